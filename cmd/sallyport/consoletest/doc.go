// Package consoletest holds the tests of the console's pages about companies,
// products, API clients, keys, delivery and the audit: people use them on a
// running provider, on both engines, and relying parties and API clients use
// what they made there.
package consoletest
