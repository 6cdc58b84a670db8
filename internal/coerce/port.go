package coerce

import (
	"strconv"
	"strings"
)

const (
	maxPort  = 65535
	maxParts = 1000 // ranges of one port value
)

// PortRange is a run of port numbers, both ends included.
type PortRange struct{ From, To int }

// Ports reads the ports of a value of type port in their order: 8080,
// "8080+" (that and all above), "30000-30010", or several with commas between
// them, also in braces. Port 0 asks for any.
func Ports(v any) ([]PortRange, error) {
	v = plain(v, 0)
	text, ok := v.(string)
	if !ok {
		n, err := whole(v, "port", 0, maxPort)
		if err != nil {
			return nil, err
		}
		return []PortRange{{int(n), int(n)}}, nil
	}
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "{"); ok && strings.HasSuffix(inner, "}") {
		text = strings.TrimSuffix(inner, "}")
	}
	parts := strings.Split(text, ",")
	if len(parts) > maxParts {
		return nil, wrong(v, "port", "it has more than %d ranges", maxParts)
	}
	ranges := make([]PortRange, 0, len(parts))
	for _, part := range parts {
		r, ok := portRange(strings.TrimSpace(part))
		if !ok {
			return nil, wrong(v, "port", `expected a number up to %d, "8080+" or "30000-30010"`, maxPort)
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

func portRange(text string) (PortRange, bool) {
	if from, ok := strings.CutSuffix(text, "+"); ok {
		p, ok := portNumber(from)
		return PortRange{p, maxPort}, ok
	}
	from, to, span := strings.Cut(text, "-")
	low, ok := portNumber(from)
	if !span || !ok {
		return PortRange{low, low}, ok
	}
	high, ok := portNumber(to)
	return PortRange{low, high}, ok && low <= high
}

func portNumber(text string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	return int(n), err == nil
}

// port gives the canonical form: a number for one port, else text.
func port(v any) (any, error) {
	ranges, err := Ports(v)
	if err != nil {
		return nil, err
	}
	if len(ranges) == 1 && ranges[0].From == ranges[0].To {
		return int64(ranges[0].From), nil
	}
	parts := make([]string, len(ranges))
	for i, r := range ranges {
		switch {
		case r.From == r.To:
			parts[i] = strconv.Itoa(r.From)
		case r.To == maxPort:
			parts[i] = strconv.Itoa(r.From) + "+"
		default:
			parts[i] = strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To)
		}
	}
	return strings.Join(parts, ","), nil
}
