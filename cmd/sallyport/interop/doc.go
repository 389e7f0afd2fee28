// Package interop signs in to a real provider with the libraries that products use: coreos/go-oidc here, openid-client
// in node/, Authlib in python/. Each goes through the same story, sign-in pages included, and verifies what it gets by
// itself.
//
// The files that speak to the library (relyingparty/sallyport.go, node/sallyport.mjs, python/sallyport.py) are printed
// in docs/integrate/README.md as they stand here; what is around them plays the person and the test.
//
// Go runs with every test; the others need what .ci/interop installs, and the build tag interop.
package interop
