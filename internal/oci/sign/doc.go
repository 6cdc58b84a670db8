// Package sign makes and checks signatures of artifacts by key.
//
// What is signed is the payload that cosign signs, after the "simple signing"
// format of containers/image: a JSON document that names the digest of a
// manifest and the repository that it is meant for. So cosign verifies our
// signatures, and its signatures by key are verified here. There is neither a
// certificate authority nor a transparency log.
package sign
