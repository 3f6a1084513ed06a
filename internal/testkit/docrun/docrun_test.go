package docrun

import "testing"

const document = "text\n\n<!-- var x int -->\n```go file.go\nx := 1\n```\n\n```\nplain\n```\n\n~~~\n\n```console ann\n$ nc localhost 5000\n```\n"

func TestABlockHasItsInfoItsNoteAndItsLine(t *testing.T) {
	t.Parallel()
	blocks := blocksOf("a.md", document)
	want := []Block{
		{"a.md", 4, "go", "file.go", "x := 1\n", "var x int"},
		{"a.md", 8, "", "", "plain\n", ""},
		{"a.md", 14, "console", "ann", "$ nc localhost 5000\n", ""},
	}
	if len(blocks) != len(want) {
		t.Fatalf("%d blocks were found: %+v", len(blocks), blocks)
	}
	for i, b := range blocks {
		if b != want[i] {
			t.Errorf("a block is %+v, not %+v", b, want[i])
		}
	}
}

func TestOnlyTheOutputThatIsShownMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shown, text string
		want        bool
	}{
		{"a…c\n", "abc\n", true},
		{"a…c\n", "ac\n", false}, // … stands for something
		{"a…c\n", "ab\nc\n", false},
		{"a.c\n", "abc\n", false}, // a dot is a dot
		{"a\n…\nd\n", "a\nb\nc\nd\n", true},
		{"a\n…\n", "a\n", true},
		{"a\n", "a\nb\n", false},
		{"a\n", "", false},
	} {
		if got := matchesLines(c.shown, c.text); got != c.want {
			t.Errorf("%q shown, %q printed: %v", c.shown, c.text, got)
		}
	}
	if Matches("a…", "a") || !Matches("a…", "abc") || Matches("b…", "abc") {
		t.Error("Matches compares wrongly")
	}
}
