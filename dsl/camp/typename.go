package camp

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distribution/reference"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

const dockerPrefix = "docker:"

// typeName reads the name of a type with its version, and checks the image
// that "docker:" names.
func (r *reader) typeName(n *yamlpos.Node, name, version *string, at *yamlpos.Pos) {
	*at = n.Pos
	if n.Kind != yamlpos.Scalar {
		r.errs.Add(n.Pos, "a type must be a name, not %s", what(n))
		return
	}
	ref := strings.TrimPrefix(strings.TrimSpace(n.Text), "java:")
	switch {
	case ref == "":
		r.errs.Add(n.Pos, "a type must be a name, not empty")
	case strings.HasPrefix(ref, "$brooklyn:"):
		r.errs.Add(n.Pos, "a type must be a name, not an expression")
	case strings.ContainsAny(ref, " \t\r\n"):
		r.errs.Add(n.Pos, "a type must be one name; %q holds white space", ref)
	case strings.HasPrefix(ref, dockerPrefix):
		r.image(n, ref)
	}
	*name, *version = blueprint.SplitType(ref)
}

// version adds the key "version" to a type. To an image it is the tag.
func (r *reader) version(n *yamlpos.Node, name, version *string) {
	e := entry(n, "version")
	if e == nil || *name == "" {
		return
	}
	var given string
	r.text(e, &given)
	switch {
	case given == "":
	case strings.HasPrefix(*name, dockerPrefix):
		if tag, digest := imageParts(strings.TrimPrefix(*name, dockerPrefix)); tag >= 0 || digest >= 0 {
			r.errs.Add(e.Value.Pos, "version %q comes on top of image %q, which has a tag or digest; keep one of them", given, *name)
			return
		}
		if tagged := *name + ":" + given; r.image(e.Value, tagged) {
			*name = tagged
		}
	case *version != "" && *version != given:
		r.errs.Add(e.Value.Pos, "version %q differs from that of type \"%s:%s\"; keep one of them", given, *name, *version)
	default:
		*version = given
	}
}

// image checks the reference behind "docker:". The error points at the part
// of n's text that is wrong.
func (r *reader) image(n *yamlpos.Node, ref string) bool {
	image := strings.TrimPrefix(ref, dockerPrefix)
	_, err := reference.ParseNormalizedNamed(image)
	if err == nil {
		return true
	}
	part, why := imageFault(image, err)
	pos := n.Pos
	if at := strings.LastIndex(n.Text, image[part:]); at > 0 && !strings.Contains(n.Text, "\n") {
		pos.Col += utf8.RuneCountInString(n.Text[:at])
		if n.Quoted {
			pos.Col++
		}
	}
	r.errs.Add(pos, "%q is not an image: %s", ref, why)
	return false
}

// imageParts gives where tag and digest begin, behind their ":" and "@", or
// -1 where there is none.
func imageParts(image string) (tag, digest int) {
	tag, digest = -1, -1
	name := image
	if at := strings.IndexByte(image, '@'); at >= 0 {
		name, digest = image[:at], at+1
	}
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		tag = at + 1
	}
	return tag, digest
}

// imageFault finds which part of an image reference err is about, and says
// what was expected there.
func imageFault(image string, err error) (at int, why string) {
	tag, digest := imageParts(image)
	parses := func(end int) bool {
		_, err := reference.ParseNormalizedNamed(image[:end])
		return err == nil
	}
	end := len(image)
	if digest >= 0 {
		if parses(digest - 1) {
			return digest, `expected a digest such as "sha256:" and 64 hexadecimal digits behind "@"`
		}
		end = digest - 1
	}
	if tag >= 0 && parses(tag-1) {
		return tag, `expected a tag of letters, digits, ".", "_" and "-" behind ":", at most 128`
	}
	if tag >= 0 {
		end = tag - 1
	}
	switch name := image[:end]; {
	case name == "":
		return 0, "expected IMAGE[:TAG]"
	case errors.Is(err, reference.ErrNameContainsUppercase) || strings.ToLower(name) != name:
		path := 0
		if host, _, ok := strings.Cut(name, "/"); ok && strings.ContainsAny(host, ".:") {
			path = len(host)
		}
		return path + max(strings.IndexFunc(name[path:], unicode.IsUpper), 0), "its name must be in lower case"
	case errors.Is(err, reference.ErrNameTooLong):
		return 0, "its name is too long"
	default:
		wrong := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789./_-:", r) }
		return max(strings.IndexFunc(name, wrong), 0), `expected a name of lower-case letters, digits, ".", "_" and "-", with "/" between its parts`
	}
}
