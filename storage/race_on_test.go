//go:build race

package storage_test

// raced says that the race detector watches, under which everything takes ten
// times as long.
const raced = true
