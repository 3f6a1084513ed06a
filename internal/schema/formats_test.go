package schema

import (
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	cases := []struct {
		name      string
		good, bad []string
	}{
		{"email", []string{"a@b", "first.last+tag@sub.example.com", "o'hara@x.org", "名前@例え.jp", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"},
			[]string{"", "@", "a@", "@b", "a b@c", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@-b", "a@b-", "a@b@c", "a\n@b", "Ann <a@b.c>", `"a"@b`, long + "a@b", "a@[::1]", "a@[IPv6:192.0.2.1]", "a@[192.0.2.1", "a@" + long + ".com", "a@b_c.com"}},
		{"uri", []string{"https://example.com/a?b=c#d", "mailto:a@b", "urn:isbn:123", "http://[::1]:80/", "file:///x", "a:b"},
			[]string{"", "example.com", "/path", "//host", "http://a b", "http://ex\xff", "https://é.com", "http://[::1", "http:", ":x", "http://a\\b", "http://%zz"}},
		{"uuid", []string{"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"},
			[]string{"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g", "{23e4567-e89b-12d3-a456-42661417400}", "123e4567-e89b-12d3-a456_426614174000"}},
		{"date", []string{"2024-02-29", "0001-01-01", "9999-12-31"}, []string{"", "2023-02-29", "2024-2-29", "2024-02-29T00:00:00Z", "24-02-29", " 2024-02-29", "2024-00-01", "2024-13-01", "10000-01-01"}},
		{"date-time", []string{"1963-06-19t08:30:06z", "2024-01-01t00:00:00.5+05:30", "2024-02-29T23:59:59Z", "2024-01-01T00:00:00.123456789+05:30"},
			[]string{"", "2024-01-01", "2023-02-29T00:00:00Z", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00+24:00"}},
		{"ipv4", []string{"127.0.0.1", "255.255.255.255"}, []string{"", "1.2.3", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4/8"}},
		{"ipv6", []string{"::", "::1", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"", "1.2.3.4", ":::", "fe80::1%eth0", "[::1]", "2001:db8"}},
		{"hostname", []string{"localhost", "a.example.com", "1-2.x", strings.Repeat("a", 63)}, []string{"", ".", "a.", ".a", "-a", "a-", "a_b", "a b", long, "é.com", strings.Repeat("a.", 130) + "a"}},
	}
	for _, c := range cases {
		for _, s := range c.good {
			if !formats[c.name].ok(s) {
				t.Errorf("%q should be a valid %s", s, c.name)
			}
		}
		for _, s := range c.bad {
			if formats[c.name].ok(s) {
				t.Errorf("%q should not be a valid %s", s, c.name)
			}
		}
	}
	if len(cases) != len(formats) {
		t.Errorf("%d formats are tested of %d", len(cases), len(formats))
	}
}
