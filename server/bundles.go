package server

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/version"
)

type bundleSummary struct {
	SymbolicName string        `json:"symbolicName"`
	Version      string        `json:"version"`
	Types        []typeSummary `json:"types"`
	Deleteable   bool          `json:"deleteable"` // Brooklyn's spelling
	OSGiVersion  string        `json:"osgiVersion"`
	Checksum     string        `json:"checksum"`
	Format       string        `json:"format,omitempty"`
	IconURL      string        `json:"iconUrl,omitempty"`
}

func (s *Server) bundleOf(b *catalog.Bundle) bundleSummary {
	out := bundleSummary{
		SymbolicName: b.Name, Version: b.Version, Types: []typeSummary{}, Deleteable: !b.Native,
		OSGiVersion: b.Version, Checksum: b.Checksum, Format: b.Format, IconURL: iconOf("/v1/catalog/bundles/"+url.PathEscape(b.Name)+"/"+url.PathEscape(b.Version), b.IconURL),
	}
	for _, t := range s.typesOf(b) {
		out.Types = append(out.Types, typeOfCatalog(t))
	}
	return out
}

// typesOf gives the types of a bundle that are in the catalog.
func (s *Server) typesOf(b *catalog.Bundle) (out []*catalog.Type) {
	for _, t := range s.engine.Types() {
		if t.Bundle == b {
			out = append(out, t)
		}
	}
	return out
}

// installation is the answer to a request that changes the catalog.
type installation struct {
	Message string `json:"message"`
	Bundle  string `json:"bundle"`
	Code    string `json:"code"`
	Types   any    `json:"types"`

	Problems []problem `json:"problems,omitempty"` // of one that cannot be installed
}

// refusal is the body that reports a bundle which cannot be installed.
type refusal struct {
	errorBody
	Data installation `json:"data"`
}

func (s *Server) install(c echo.Context, forceKey string) (*engine.BundleResult, error) {
	force, err := queryBool(c, forceKey, false)
	if err != nil {
		return nil, err
	}
	grants, all, err := queryGrants(c)
	if err != nil {
		return nil, err
	}
	content, err := s.readUpTo(c, s.limits.Bundle, "Bundle")
	if err != nil {
		return nil, err
	}
	return s.engine.AddBundle(lasting(c), engine.BundleRequest{
		Content: content, File: disposed(c.Request().Header.Get("Content-Disposition")), Format: c.QueryParam("format"), Force: force,
		Grants: grants, GrantAll: all,
	})
}

// installed answers with what was installed, or why it was not.
func installed(c echo.Context, r *engine.BundleResult, err error, body func() any) error {
	found := problemsOf(err)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Invalid || kind == fault.NotFound || kind == fault.Conflict || kind == fault.Precondition || found != nil:
		return reply(c, http.StatusBadRequest, refusal{
			errorBody{Message: err.Error(), Error: http.StatusBadRequest},
			installation{Message: err.Error(), Code: engine.BundleBad, Types: struct{}{}, Problems: found},
		})
	default:
		return err
	}
	tell := warnings(c)
	for _, w := range r.Warnings {
		tell(w)
	}
	status := http.StatusCreated
	if r.Code == engine.BundleIgnored {
		status = http.StatusOK
	}
	return reply(c, status, body())
}

func (s *Server) addBundle(c echo.Context) error {
	r, err := s.install(c, "force")
	return installed(c, r, err, func() any {
		types := map[string]typeSummary{}
		for _, t := range r.Types {
			types[t.ID()] = typeOfCatalog(t)
		}
		return installation{Message: r.Message, Bundle: r.Bundle.ID(), Code: r.Code, Types: types}
	})
}

// addToCatalog is the older form, which clients of the command line use.
func (s *Server) addToCatalog(c echo.Context) error {
	detail, err := queryBool(c, "detail", false)
	if err != nil {
		return err
	}
	whole, err := queryBool(c, "itemDetails", true)
	if err != nil {
		return err
	}
	r, err := s.install(c, "forceUpdate")
	return installed(c, r, err, func() any {
		types := map[string]any{}
		for _, t := range r.Types {
			if whole {
				types[t.ID()] = s.installedItemOf(t)
			} else {
				types[t.ID()] = typeOfCatalog(t)
			}
		}
		if !detail {
			return types
		}
		return installation{Message: r.Message, Bundle: r.Bundle.ID(), Code: r.Code, Types: types}
	})
}

func (s *Server) listBundles(c echo.Context) error {
	all, err := queryVersions(c)
	if err != nil {
		return err
	}
	return s.replyBundles(c, "", all)
}

func (s *Server) listBundleVersions(c echo.Context) error {
	return s.replyBundles(c, param(c, "name"), true)
}

// replyBundles lists the bundles of a name, "" for any, by name and the best
// version first. Types are listed if the request wants details.
func (s *Server) replyBundles(c echo.Context, name string, all bool) error {
	detail, err := queryBool(c, "detail", false)
	if err != nil {
		return err
	}
	bundles := slices.SortedStableFunc(slices.Values(s.engine.Bundles()), func(a, b *catalog.Bundle) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), version.Compare(b.Version, a.Version))
	})
	out := []bundleSummary{}
	for i, b := range bundles {
		if name != "" && b.Name != name || !all && i > 0 && bundles[i-1].Name == b.Name {
			continue
		}
		sum := s.bundleOf(b)
		if !detail {
			sum.Types = []typeSummary{}
		}
		out = append(out, sum)
	}
	if name != "" && len(out) == 0 {
		return fault.New(fault.NotFound, "Bundle with id '%s' not found", name)
	}
	return ok(c, out)
}

func (s *Server) bundle(c echo.Context) (*catalog.Bundle, error) {
	return s.engine.Bundle(param(c, "name"), param(c, "version"))
}

func (s *Server) getBundle(c echo.Context, b *catalog.Bundle) error {
	return ok(c, s.bundleOf(b))
}

// The codes of bundles that stay, in Brooklyn's words. It answers 200 with
// them, which scripts would take for a success.
const (
	bundleInUse = "ERROR_REMOVING_BUNDLE_IN_USE"
	bundleStays = "ERROR_REMOVING_BUNDLE_OTHER"
)

func (s *Server) deleteBundle(c echo.Context, b *catalog.Bundle) error {
	force, err := queryBool(c, "force", false)
	if err != nil {
		return err
	}
	r, err := s.engine.RemoveBundle(lasting(c), b.Name, b.Version, force)
	if fault.KindOf(err) == fault.Conflict {
		out := installation{Message: err.Error(), Bundle: b.ID(), Code: bundleInUse, Types: struct{}{}}
		if b.Native {
			out.Code = bundleStays
		}
		return reply(c, http.StatusConflict, refusal{errorBody{Message: err.Error(), Error: http.StatusConflict}, out})
	}
	if err != nil {
		return err
	}
	return ok(c, installation{Message: r.Message, Bundle: r.Bundle.ID(), Code: r.Code, Types: struct{}{}})
}

func (s *Server) downloadBundle(c echo.Context, b *catalog.Bundle) error {
	content, err := s.engine.BundleContent(b)
	if err != nil {
		return err
	}
	if b.Format == catalog.ModuleFormat {
		c.Response().Header().Set("Content-Disposition", `attachment; filename="`+url.PathEscape(b.Name+"-"+b.Version+".wasm")+`"`)
		return c.Blob(http.StatusOK, "application/wasm", content)
	}
	kind, ext := "application/x-yaml", ".bom"
	if strings.HasSuffix(b.Format, "zip") {
		kind, ext = "application/zip", ".zip"
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+url.PathEscape(b.Name+"-"+b.Version+ext)+`"`)
	return c.Blob(http.StatusOK, kind, content)
}

func (s *Server) listBundleTypes(c echo.Context, b *catalog.Bundle) error {
	out := []typeSummary{}
	for _, t := range s.typesOf(b) {
		out = append(out, typeOfCatalog(t))
	}
	return ok(c, out)
}

func (s *Server) bundleType(c echo.Context) (*catalog.Type, error) {
	b, err := s.bundle(c)
	if err != nil {
		return nil, err
	}
	name := param(c, "type")
	if t := pick(s.typesOf(b), "", name, param(c, "typeVersion")); t != nil {
		return t, nil
	}
	return nil, fault.New(fault.NotFound, "Type '%s' not found in bundle %s", name, b.ID())
}

func (s *Server) getBundleType(c echo.Context, t *catalog.Type) error {
	return ok(c, s.detailOf(t))
}

func (s *Server) bundleTypeIcon(c echo.Context, t *catalog.Type) error {
	return s.icon(c, t.Bundle, t.Icon)
}

func (s *Server) bundleIcon(c echo.Context, b *catalog.Bundle) error {
	return s.icon(c, b, b.IconURL)
}

// iconTypes are the images that are served, by the end of their names. SVG may
// hold scripts; it is served as a file of its own that no page trusts.
var iconTypes = map[string]string{
	".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
	".svg": "image/svg+xml", ".ico": "image/x-icon", ".webp": "image/webp",
}

// icon serves an image of a bundle, or leads to where it is.
func (s *Server) icon(c echo.Context, b *catalog.Bundle, ref string) error {
	if ref == "" {
		return noContent(c)
	}
	if elsewhere(ref) {
		return c.Redirect(http.StatusTemporaryRedirect, ref)
	}
	name := strings.TrimLeft(strings.TrimPrefix(ref, "classpath:"), "/")
	kind := iconTypes[strings.ToLower(path.Ext(name))]
	if b == nil || kind == "" {
		return fault.New(fault.NotFound, "there is no icon %s", ref)
	}
	image, err := s.engine.BundleFile(b, name)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	return c.Blob(http.StatusOK, kind, image)
}

// iconOf gives the address of an icon: where it is, or where this server has
// it, below the address of what it belongs to.
func iconOf(self, ref string) string {
	if ref == "" || elsewhere(ref) {
		return ref
	}
	return self + "/icon"
}

func elsewhere(ref string) bool {
	return strings.HasPrefix(ref, "https://") || strings.HasPrefix(ref, "http://")
}
