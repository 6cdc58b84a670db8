// Package ship brings modules and bundles of the catalog into OCI registries
// and back: with what they say of themselves in annotations, so that listing
// loads nothing, with signatures, and by a policy of whom to believe.
//
// Fetch gives only bytes that a signature vouches for, unless the policy asks
// for none, and reads everything once: what was verified is what is used.
package ship
