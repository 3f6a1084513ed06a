package terminal

import (
	"os"
	"strings"
	"testing"
)

func TestTextIsWrappedAtSpaces(t *testing.T) {
	t.Parallel()
	const text = "one two three four five six seven"
	for _, tt := range []struct {
		width, first, indent int
		want                 string
	}{
		{0, 0, 0, text}, {80, 0, 0, text}, {24, 0, 0, "one two three four five\nsix seven"},
		{24, 12, 2, "one two\n  three four five six\n  seven"}, {24, 0, 10, text}, // too narrow
		{33, 0, 0, text}, {32, 0, 4, "one two three four five six\n    seven"},
	} {
		if got := Wrap(text, tt.width, tt.first, tt.indent); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	long := strings.Repeat("x", 50)
	if got := Wrap("a "+long+" b", 30, 0, 2); got != "a\n  "+long+"\n  b" {
		t.Errorf("a long word: %q", got)
	}
}

func TestWhatIsNoTerminalHasNoWidth(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stream := range []any{nil, &strings.Builder{}, file, null} {
		if w := Width(stream); w != 0 {
			t.Errorf("%T has width %d", stream, w)
		}
	}
}
