package main

import (
	"math"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

func geoType() gowanus.Type {
	return strategy("geo", "basic.GeoPlacementStrategy", geo, gowanus.Type{
		Description: "refuses hosts outside of regions, countries or a distance, and prefers the nearest to a point",
		Columns:     []string{"latitude", "longitude", "label:region", "label:zone", "label:iso3166", "label:country"},
		Config: []gowanus.ConfigKey{
			{Name: "geo.regions", Flags: []string{"regions"}, Type: "list", Description: "regions or zones that are allowed: what the host's label region or zone says"},
			{Name: "geo.countries", Flags: []string{"countries"}, Type: "list", Description: "countries that are allowed, or parts of them, by ISO 3166: DE, US-CA"},
			{Name: "geo.latitude", Flags: []string{"latitude"}, Type: "double", Description: "of the point to be near to, in degrees, north is positive"},
			{Name: "geo.longitude", Flags: []string{"longitude"}, Type: "double", Description: "of the point to be near to, in degrees, east is positive"},
			{Name: "geo.maxDistance", Flags: []string{"maxDistance"}, Type: "double", Description: "how far from the point a host may be, in kilometres"},
		},
	})
}

// place is what geo wants.
type place struct {
	regions, countries []string
	point              bool
	lat, lon, most     float64 // most is +Inf for any distance
}

func readPlace(config gowanus.Values) (p place, at, problem string) {
	p = place{regions: config.Strings("geo.regions"), countries: config.Strings("geo.countries"), most: math.Inf(1)}
	p.lat, p.lon = config.Float("geo.latitude"), config.Float("geo.longitude")
	p.point = config.Has("geo.latitude") || config.Has("geo.longitude")
	for _, c := range p.countries {
		if !isCountry(c) {
			return p, "geo.countries", "geo.countries: expected ISO 3166 codes such as DE or US-CA, got " + display(c)
		}
	}
	switch {
	case config.Has("geo.latitude") != config.Has("geo.longitude"):
		return p, "geo.latitude", "geo.latitude and geo.longitude go together"
	case p.lat < -90 || p.lat > 90:
		return p, "geo.latitude", "geo.latitude: expected -90 to 90 degrees, got " + number(p.lat)
	case p.lon < -180 || p.lon > 180:
		return p, "geo.longitude", "geo.longitude: expected -180 to 180 degrees, got " + number(p.lon)
	case config.Has("geo.maxDistance"):
		if p.most = config.Float("geo.maxDistance"); p.most <= 0 {
			return p, "geo.maxDistance", "geo.maxDistance: expected more than 0 kilometres, got " + number(p.most)
		}
		if !p.point {
			return p, "geo.maxDistance", "geo.maxDistance needs geo.latitude and geo.longitude"
		}
	case !p.point && len(p.regions) == 0 && len(p.countries) == 0:
		return p, "geo.regions", "geo needs regions, countries, or a latitude and longitude"
	}
	return p, "", ""
}

// isCountry accepts ISO 3166-1 codes of two letters, and those of ISO 3166-2
// that have a part of a country behind them.
func isCountry(code string) bool {
	country, part, has := strings.Cut(code, "-")
	letters := func(s string) bool {
		return strings.Trim(strings.ToUpper(s), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	}
	return len(country) == 2 && letters(country) && (!has || len(part) >= 1 && len(part) <= 3)
}

func geo(in *gowanus.Hosts, out *gowanus.Ranking) {
	p, at, problem := readPlace(in.Config)
	if problem != "" {
		invalid(out, at, problem)
		return
	}
	lat, lon := in.Float64s("latitude"), in.Float64s("longitude")
	region, zone := in.Strings("label:region"), in.Strings("label:zone")
	iso, country := in.Strings("label:iso3166"), in.Strings("label:country")
	for i := range in.Len() {
		code := iso.At(i)
		if code == "" {
			code = country.At(i)
		}
		reason := p.area(region.At(i), zone.At(i), code)
		if reason == "" && p.point {
			distance := math.NaN()
			if lat != nil && lon != nil {
				distance = kilometres(p.lat, p.lon, lat[i], lon[i])
			}
			if reason = p.far(distance); reason == "" {
				out.Score(i, 0-distance)
			}
		}
		if reason != "" {
			out.Refuse(i, reason)
		}
	}
}

// area says why a host is refused for where it is, or nothing.
func (p *place) area(region, zone, code string) string {
	if len(p.regions) > 0 && !contains(p.regions, region) && !contains(p.regions, zone) {
		if region == "" && zone == "" {
			return "its region is not known"
		}
		if region == "" {
			region = zone
		}
		return "is in region " + region + ", expected " + strings.Join(p.regions, " or ")
	}
	if len(p.countries) == 0 {
		return ""
	}
	if code == "" {
		return "its country is not known"
	}
	for _, c := range p.countries {
		if strings.EqualFold(code, c) || len(code) > len(c) && code[len(c)] == '-' && strings.EqualFold(code[:len(c)], c) {
			return ""
		}
	}
	return "is in " + code + ", expected " + strings.Join(p.countries, " or ")
}

func (p *place) far(distance float64) string {
	switch {
	case distance != distance:
		return "its latitude and longitude are not known"
	case distance > p.most:
		return "is " + number(math.Round(distance)) + " km away, max is " + number(p.most) + " km"
	}
	return ""
}

func contains(list []string, text string) bool {
	for _, item := range list {
		if text != "" && strings.EqualFold(item, text) {
			return true
		}
	}
	return false
}

// earthRadius is the mean one, in kilometres.
const earthRadius = 6371.0088

// kilometres gives the distance of two points along a great circle, by the
// haversine formula.
func kilometres(lat1, lon1, lat2, lon2 float64) float64 {
	const degree = math.Pi / 180
	a, b := math.Sin((lat2-lat1)*degree/2), math.Sin((lon2-lon1)*degree/2)
	h := a*a + math.Cos(lat1*degree)*math.Cos(lat2*degree)*b*b
	return 2 * earthRadius * math.Asin(math.Sqrt(math.Min(1, h)))
}
