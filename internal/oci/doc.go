// Package oci keeps files as artifacts in OCI registries, and in image layouts
// on disk for machines that see no registry.
//
// An artifact is a manifest that names its files by digest. Whoever knows the
// digest of the manifest therefore knows every byte: Manifest and Blob give
// only bytes that have the digest asked for, and nothing is asked for twice.
// What a registry says beyond that, which digest a tag has and what refers to a
// manifest, is a claim; package sign tells which claims have a signature.
//
// The forms are those of the OCI image specification 1.1 and distribution
// specification 1.1, with their fallback for registries that do not know
// referrers.
package oci
