package main

import (
	"path"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// containerName names the container: as before when it has a name, as the
// blueprint says, or after the plan id, else the image, with the entity's id,
// which keeps it apart from all others.
func containerName(r *reader, e *gowanus.Entity, image string) string {
	if name := e.Sensors.String(sensorName); name != "" {
		return name
	}
	if given := r.text(keyName); given != "" {
		name := clean(given)
		if len(name) < 2 || len(name) > 128 {
			r.fail(keyName, given, "2 to 128 letters and digits")
		}
		return name
	}
	first := e.PlanID
	if first == "" {
		ref, _ := parseReference(image)
		first = path.Base(ref.name)
	}
	return clean(first + "_" + e.ID)
}

// clean makes a name of lower-case letters, digits and single underscores in
// place of anything else, which does not begin with an underscore.
func clean(s string) string {
	var b strings.Builder
	gap := false
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if !lower(c) && c != '_' {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		if c != '_' || b.Len() > 0 {
			b.WriteByte(c)
		}
	}
	if gap && b.Len() > 0 {
		b.WriteByte('_')
	}
	return b.String()
}

// isAlias says whether s can stand for a host in /etc/hosts and DNS.
func isAlias(s string) bool {
	return len(s) <= 63 && all(s, func(c byte) bool { return letter(c) || c == '_' || c == '.' || c == '-' }) &&
		letter(s[0]) && letter(s[len(s)-1])
}
