// Package yamlpos reads YAML into nodes that know their file, line and column,
// within limits of size, depth and aliases.
package yamlpos
