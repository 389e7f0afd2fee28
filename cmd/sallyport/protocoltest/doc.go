// Package protocoltest holds the provider against the texts that it follows: a
// file for each, and tests named after the sections.
package protocoltest
