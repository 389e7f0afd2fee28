// Package interop signs in to a real provider with the libraries that products use: coreos/go-oidc here, openid-client
// in node/, Authlib in python/. Each goes through the same story, sign-in pages included, and verifies what it gets by
// itself.
//
// Two factors where an action needs them have a story of their own, with an API that wants them: guarded/ in Go, Spring
// Security in java/, and oauth2-proxy and Apache's mod_auth_openidc in front of a product. docs/integrate/step-up.md prints
// what they are made of.
//
// The files that speak to the library (relyingparty/sallyport.go, node/sallyport.mjs, python/sallyport.py) are printed
// in docs/integrate/README.md as they stand here; what is around them plays the person and the test.
//
// Go runs with every test; the others need what .ci/interop installs, and the build tag interop.
package interop
