package main

import (
	"strconv"
	"strings"
)

const tagSyntax = "a tag: up to 128 of A-Z a-z 0-9 _ . -, not beginning with . or -"

// image gives the reference of the image to run. What the config names counts
// more than what the type names.
func (r *reader) image(typ string) string {
	if id := r.text(keyImageID); id != "" {
		return id
	}
	tag := r.text(keyImageTag)
	if tag != "" && !isTag(tag) {
		r.fail(keyImageTag, tag, tagSyntax)
	}
	named, key := r.text(keyImageName), keyImageName
	if named == "" {
		named, key = strings.TrimPrefix(typ, prefix), "type"
		if named == "" || named == typ {
			r.fail("type", typ, "docker:IMAGE[:TAG], or the image in "+keyImageName)
			return ""
		}
	}
	ref, ok := parseReference(named)
	switch {
	case !ok:
		r.fail(key, named, "an image reference [REGISTRY[:PORT]/]NAME[:TAG][@sha256:DIGEST]")
	case key == keyImageName && tag != "" && ref.tag != "" && ref.tag != tag:
		r.fail(keyImageTag, tag, "nothing or "+strconv.Quote(ref.tag)+", the tag that "+keyImageName+" has")
	case tag != "":
		ref.tag = tag
	}
	return ref.String()
}

// reference names an image: name is registry and repository.
type reference struct{ name, tag, digest string }

// String gives the reference in full; without tag and digest it is latest.
func (f reference) String() string {
	text := f.name
	if f.tag == "" && f.digest == "" {
		f.tag = "latest"
	}
	if f.tag != "" {
		text += ":" + f.tag
	}
	if f.digest != "" {
		text += "@" + f.digest
	}
	return text
}

// parseReference reads [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the grammar of
// the distribution project.
func parseReference(s string) (f reference, ok bool) {
	s, f.digest, ok = strings.Cut(s, "@")
	if ok && !isDigest(f.digest) {
		return f, false
	}
	f.name = s
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexByte(s, '/') {
		f.name, f.tag = s[:colon], s[colon+1:]
		if !isTag(f.tag) {
			return f, false
		}
	}
	path := f.name
	if registry, rest, found := strings.Cut(f.name, "/"); found && (strings.ContainsAny(registry, ".:") || registry == "localhost") {
		host, port, hasPort := strings.Cut(registry, ":")
		if !isHost(host) || hasPort && !all(port, digit) {
			return f, false
		}
		path = rest
	}
	for _, part := range strings.Split(path, "/") {
		if !isPath(part) {
			return f, false
		}
	}
	return f, len(f.name) <= 255
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func lower(c byte) bool  { return c >= 'a' && c <= 'z' || digit(c) }
func letter(c byte) bool { return lower(c) || c >= 'A' && c <= 'Z' }

// all says whether s is not empty and has only bytes that are.
func all(s string, are func(byte) bool) bool {
	for i := range len(s) {
		if !are(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTag(s string) bool {
	word := func(c byte) bool { return letter(c) || c == '_' }
	return len(s) <= 128 && all(s, func(c byte) bool { return word(c) || c == '.' || c == '-' }) && word(s[0])
}

func isDigest(s string) bool {
	algorithm, hex, _ := strings.Cut(s, ":")
	return all(algorithm, lower) && len(hex) >= 32 && all(hex, func(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' })
}

func isHost(s string) bool {
	for _, label := range strings.Split(s, ".") {
		if !all(label, func(c byte) bool { return letter(c) || c == '-' }) || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// isPath accepts lower-case words joined by one '.', one or two '_', or any
// number of '-'.
func isPath(s string) bool {
	for s != "" {
		n := 0
		for n < len(s) && lower(s[n]) {
			n++
		}
		if n == 0 {
			return false
		}
		if s = s[n:]; s == "" {
			return true
		}
		joint := len(s) - len(strings.TrimLeft(s, s[:1]))
		if most := map[byte]int{'.': 1, '_': 2, '-': len(s)}[s[0]]; joint > most {
			return false
		}
		s = s[joint:]
	}
	return false
}
