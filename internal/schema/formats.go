package schema

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// format is a value that the tag format may have, such as "email". The function ok reports whether a text has the
// format.
type format struct {
	expected string // completes "KEY must be "
	ok       func(s string) bool
}

var formats = map[string]format{
	"email":     {"an email address", isEmail},
	"uri":       {"a URI such as https://example.com/", isURI},
	"uuid":      {"a UUID", isUUID},
	"date":      {aDate, isDate},
	"date-time": {"a date and time such as 2006-01-02T15:04:05Z", isDateTime},
	"ipv4":      {"an IPv4 address", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }},
	"ipv6":      {"an IPv6 address", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" }},
	"hostname":  {"a host name", isHostname},
}

func formatNames() []string { return slices.Sorted(maps.Keys(formats)) }

// isEmail reports whether s is an email address: a dot-atom (RFC 5322, with letters of any script as in RFC 6532), "@",
// and a host name or an IP address in brackets. It rejects the rarely used forms: quoted local parts, comments and
// display names.
func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if local[0] == '.' || local[at-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, c := range local {
		if !isAlphanumeric(c) && c < 0x80 && !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", c) {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(domain, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(strings.TrimPrefix(inner, "IPv6:"))
		return ok && err == nil && addr.Is6() == strings.HasPrefix(inner, "IPv6:") && addr.Zone() == ""
	}
	return isDomain(domain, true)
}

// isURI reports whether s is a URI of RFC 3986 that has a scheme and consists of ASCII characters.
func isURI(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Path != "" || u.Opaque != "")
}

// isUUID reports whether s is a UUID of any version (RFC 9562): hexadecimal digits in groups of 8-4-4-4-12.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if lower := c | 0x20; (c < '0' || c > '9') && (lower < 'a' || lower > 'f') {
				return false
			}
		}
	}
	return true
}

// isDateTime reports whether s is a date and time of RFC 3339.
func isDateTime(s string) bool {
	_, ok := parseTime(s)
	return ok
}

const aDate = "a date such as 2026-12-01"

// isDate reports whether s is a date of RFC 3339.
func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil && len(s) == len(time.DateOnly)
}

// isHostname reports whether s is a host name (RFC 1123): labels of letters, digits and inner hyphens, separated by
// dots.
func isHostname(s string) bool { return isDomain(s, false) }

// isDomain reports whether s is a host name of at most 253 bytes. If unicode is true, the labels may contain letters of
// any script; otherwise only ASCII letters.
func isDomain(s string, unicode bool) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if !isAlphanumeric(c) && c != '-' && !(unicode && c >= 0x80) {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c rune) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
