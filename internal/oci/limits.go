package oci

import "github.com/gowanus-project/gowanus/engine/fault"

// Limits bound what is taken from a registry. Fields that are 0 have the value
// of DefaultLimits. An error that a limit caused names the field.
type Limits struct {
	ManifestBytes int64 // size of a manifest
	ConfigBytes   int64 // size of the config blob
	FileBytes     int64 // size of one file
	TotalBytes    int64 // size of all files of an artifact
	Files         int   // files of an artifact
	Tags          int   // tags of a repository
	Referrers     int   // manifests that refer to another one
	AnswerBytes   int64 // size of one list that a registry answers with
}

// DefaultLimits leave room for modules of any size that the engine would load.
func DefaultLimits() Limits {
	return Limits{
		ManifestBytes: 4 << 20, ConfigBytes: 4 << 20, FileBytes: 256 << 20, TotalBytes: 512 << 20,
		Files: 64, Tags: 10_000, Referrers: 100, AnswerBytes: 4 << 20,
	}
}

func (l *Limits) fillDefaults() {
	d := DefaultLimits()
	for _, f := range []struct{ field, value *int64 }{
		{&l.ManifestBytes, &d.ManifestBytes}, {&l.ConfigBytes, &d.ConfigBytes}, {&l.FileBytes, &d.FileBytes},
		{&l.TotalBytes, &d.TotalBytes}, {&l.AnswerBytes, &d.AnswerBytes},
	} {
		if *f.field == 0 {
			*f.field = *f.value
		}
	}
	for _, f := range []struct{ field, value *int }{{&l.Files, &d.Files}, {&l.Tags, &d.Tags}, {&l.Referrers, &d.Referrers}} {
		if *f.field == 0 {
			*f.field = *f.value
		}
	}
}

// tooLarge is the error for a size beyond a limit.
func tooLarge(what string, size, limit int64, field string) error {
	return fault.New(fault.Limit, "%s has %d bytes, the limit %s allows %d", what, size, field, limit)
}

// tooMany is the error for a number beyond a limit.
func tooMany(what string, limit int, field string) error {
	return fault.New(fault.Limit, "more than %d %s (limit %s)", limit, what, field)
}
