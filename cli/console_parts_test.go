package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/actionhero-go/actionhero/cli"
)

func TestALineIsSplitAsAShellDoes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		``: nil, "  \t ": nil, `a b`: {"a", "b"}, ` a  b `: {"a", "b"}, `'a b' c`: {"a b", "c"}, `"a b"c`: {"a bc"}, `a\ b`: {"a b"}, `""`: {""},
		`'a\b'`: {`a\b`}, `"a\"b"`: {`a"b`}, `'{"a":1}'`: {`{"a":1}`}, `--x='y z'`: {"--x=y z"}, `é\ ü`: {"é ü"}, `a\`: {`a\`}, `'' ''`: {"", ""},
	} {
		if got, err := cli.SplitLine(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q splits into %q, %v", line, got, err)
		}
	}
	for _, line := range []string{`"a`, `'a`, `a"`, `a 'b "c"`} {
		if got, err := cli.SplitLine(line); err == nil {
			t.Errorf("%q splits into %q", line, got)
		}
	}
}

// A completed word is read again as it was.
func FuzzEscapedWordsAreReadAgain(f *testing.F) {
	for _, word := range []string{"", "a", "a b", `"`, `'`, `\`, "#", "é ü", `a\ `} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		word = strings.ToValidUTF8(word, "")
		if got, err := cli.SplitLine("x " + cli.EscapeWord(word)); err != nil || len(got) != 2 || got[1] != word {
			t.Errorf("%q becomes %q, %v", word, got, err)
		}
	})
}

// Painted JSON has no invisible characters, and is the same value.
func FuzzPaintedJSONIsTheSameValue(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,true,null,"x\"y\\"],"b":{"":""}}`, `"\u001b[2J` + "\u009b\u202e\x7f\U000e0041" + `"`, `[]`, `{}`, `1`, "0\r", "{\"a\"\t:\r1}\t"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || strings.ToValidUTF8(text, "") != text {
			t.Skip()
		}
		var raw bytes.Buffer
		if err := json.Indent(&raw, []byte(text), "", "  "); err != nil {
			t.Fatal(err)
		}
		plain := cli.PaintJSON(raw.Bytes(), false)
		if i := bytes.IndexFunc(plain, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q is painted as %q", text, plain)
		}
		var before, after bytes.Buffer
		if json.Compact(&before, raw.Bytes()) != nil || json.Compact(&after, plain) != nil {
			t.Fatalf("%q is painted as %q, which is no JSON", text, plain)
		}
		var a, b any
		if json.Unmarshal(before.Bytes(), &a) != nil || json.Unmarshal(after.Bytes(), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%q is painted as %q", text, plain)
		}
		colored := cli.PaintJSON(raw.Bytes(), true)
		for _, color := range []string{"\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[0m"} {
			colored = bytes.ReplaceAll(colored, []byte(color), nil)
		}
		if !bytes.Equal(colored, plain) {
			t.Errorf("with colours, %q is painted as %q", text, colored)
		}
	})
}

func TestPaintedJSONHasAColourForEachKind(t *testing.T) {
	t.Parallel()
	const want = "{\x1b[36m\"a\"\x1b[0m: \x1b[32m\"b\\\":\"\x1b[0m, \x1b[36m\"c\"\x1b[0m: [\x1b[33m-1.5\x1b[0m, \x1b[33mnull\x1b[0m]}"
	if got := cli.PaintJSON([]byte(`{"a": "b\":", "c": [-1.5, null]}`), true); string(got) != want {
		t.Errorf("it is %q", got)
	}
}

// A table that is too wide loses the ends of its last columns, but never its first one.
func TestATableFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ widths, want []int }{
		{[]int{36, 10, 20}, []int{36, 10, 20}}, {[]int{36, 10, 40}, []int{36, 10, 30}}, {[]int{36, 40, 40}, []int{36, 34, 6}}, {[]int{90, 3, 20}, []int{90, 3, 6}}, {[]int{100}, []int{100}},
	} {
		got := slices.Clone(tt.widths)
		if cli.Fit(got, 80); !slices.Equal(got, tt.want) {
			t.Errorf("%v becomes %v, want %v", tt.widths, got, tt.want)
		}
	}
	var out strings.Builder
	cli.PrintList(&out, [][]string{{"NAME", "NONE", "N"}, {"日本", "", "1"}, {"e\u0301\x1b", "", "22"}})
	if want := "NAME   N\n日本   1\ne\u0301\\x1b  22\n"; out.String() != want {
		t.Errorf("the table is\n%s, want\n%s", &out, want)
	}
}

func TestAnAgeHasTwoUnits(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 1400 * time.Millisecond: "1s", 90 * time.Second: "1m30s", 3*time.Hour + 59*time.Second: "3h00m", 50 * time.Hour: "2d02h",
	} {
		if got := cli.Age(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestTheHistoryIsOnlyForItsUser(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "app.history")
	h := cli.NewHistory(path)
	if lines, err := h.Read(); err != nil || lines != nil {
		t.Errorf("without a file, the history is %q, %v", lines, err)
	}
	if err := h.Add("status"); err != nil {
		t.Fatal(err)
	}
	mode := func(path string, want os.FileMode) {
		t.Helper()
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	mode(path, 0o600)
	mode(filepath.Dir(path), 0o700)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := h.Add("peers"); err != nil {
		t.Fatal(err)
	}
	mode(path, 0o600)
	if lines, err := h.Read(); err != nil || !slices.Equal(lines, []string{"status", "peers"}) {
		t.Errorf("the history is %q, %v", lines, err)
	}
}

// A file that another program has damaged cannot disturb the terminal, and does not grow for ever.
func TestTheHistoryIsShortAndClean(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.history")
	text := "a\x1b[2Jb\n\xff\n\n secret\n" + strings.Repeat("x", 5000) + "\n"
	for n := range 2500 {
		text += fmt.Sprintf("line %d\n", n)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := cli.NewHistory(path)
	for range 2 {
		if lines, err := h.Read(); err != nil || len(lines) != 1000 || lines[0] != "line 1500" || lines[999] != "line 2499" {
			t.Fatalf("the history has %d lines from %q, %v", len(lines), lines[0], err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 20_000 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("good\n"+strings.Repeat("y", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read(); err == nil {
		t.Error("a line without end is no error")
	}
}

func TestConsolesShareAHistory(t *testing.T) {
	t.Parallel()
	h := cli.NewHistory(filepath.Join(t.TempDir(), "app.history"))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 20 {
				if err := h.Add(fmt.Sprintf("line %d of %d", i, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if lines, err := h.Read(); err != nil || len(lines) != 160 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

func TestSecretInputsStayOutOfTheHistory(t *testing.T) {
	t.Parallel()
	console, err := cli.NewConsole(t.Context(), consoleConfig(t, nil), consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		"greet --name=Ann": false, "greet --token=x": true, "greet --token x": true, "action greet --token=x": true, "run greet --name=Ann --token=x": true,
		`greet --json '{"token":"x"}'`: true, `greet --json='{}'`: true, "cacheTest --json '{}'": false, "tasks enqueue mail token=x": true, "tasks enqueue mail name=x": false,
		"tasks enqueue mail --params '{}'": true, "tasks enqueue --after 1h mail token=x": true, "status": false, "": false, `"open`: false, "none --token=x": false,
	} {
		if console.Secret(line) != want {
			t.Errorf("%q is secret: %t", line, !want)
		}
	}
}
