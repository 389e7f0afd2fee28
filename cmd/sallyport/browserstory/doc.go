// Package browserstory holds the tests that go through the whole product in a
// real browser: sign-in, set-up, every second proof, the ways back in, the
// account, and everything that people do in between, such as pressing Back or
// opening a second tab.
// Each runs on both database engines, against a whole provider with the demo's
// two products and a clock that the test sets.
//
// The tests take pictures of every page. They are among the test's artifacts
// (go test -artifacts), or in a folder of one's choice:
//
//	SALLYPORT_SCREENSHOTS=/tmp/pictures go test ./cmd/sallyport/browserstory
//
// Three of them are in docs/images for the README. To make those anew:
//
//	SALLYPORT_SCREENSHOTS=/tmp/pictures go test -count=1 -run TestEveryPage ./cmd/sallyport/browserstory
//	cp /tmp/pictures/why.png /tmp/pictures/set-up.png /tmp/pictures/remote-session.png docs/images
//
// With -tags interop there is a test of accessibility, too, which needs axe-core
// from npm; axe_test.go says how to run it.
package browserstory
