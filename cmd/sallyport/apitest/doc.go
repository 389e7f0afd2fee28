// Package apitest holds the tests of the JSON API: each operation of the
// contract is called on a running provider, on both engines, and what is asked
// and answered is held against openapi.yaml, and openapi.yaml against the
// routes.
package apitest
