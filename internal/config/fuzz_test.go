package config

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzLoad feeds any text as a file of each format: whatever it is, the answer is settings or an error of printable lines, and an
// error leaves the defaults alone.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		jsonText, yamlText, tomlText, "", "null", "[", "a: &a [*a]", "<<: {a: 1}", "a = 1979-05-27T07:32:00Z", "!!int x", "? {a: b}\n: c",
		"general: !!str [a]", `{"general":{"origins":[null,1,{}]}}`, "[general]\norigins=[1,[2]]", "\xff\xfeg\x00", "a.b.c = {d = [1.5, nan]}",
	} {
		for format := range fileNames {
			f.Add(uint8(format), seed)
		}
	}
	parsers := []parser{parseJSON, parseYAML, parseTOML}
	f.Fuzz(func(t *testing.T, format uint8, text string) {
		if len(text) > maxFile {
			return
		}
		c := defaults()
		read := func(l *loader) *node { return l.parse(parsers[int(format)%len(parsers)], []byte(text), "file") }
		_, err := load(c, Options{}, read)
		if err == nil {
			return
		}
		if d := diff(defaults(), c); d != "" {
			t.Errorf("the defaults were changed in spite of %v:\n%s", err, d)
		}
		if strings.Contains(err.Error(), "its parser failed with") {
			t.Errorf("a library panicked: %v", err)
		}
		for _, r := range err.Error() {
			if r != '\n' && unicode.IsControl(r) {
				t.Errorf("the message %q holds a control character", err)
			}
		}
	})
}
