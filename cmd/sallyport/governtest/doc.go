// Package governtest holds the matrix of who may do what, over HTTP: every
// page of the console and every operation of the JSON API is asked for by
// everybody there is, in their own company and in another one, on a running
// provider. The tables in it are meant to be read, beside the one of package
// govern.
package governtest
