package apply

import "github.com/sallyport-id/sallyport/storage"

// ProductOf is a row as a file would declare it, but for its people: the row has their ids, and an entry their
// addresses.
func ProductOf(c *storage.Client) Product { return productOf(c) }
