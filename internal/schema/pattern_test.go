package schema

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"testing"
)

// patterns has expressions of package regexp with the same expressions in the dialect of JavaScript.
var patterns = [][2]string{
	{`^[a-z]+$`, `^[a-z]+$`},
	{`^\d{4}-\d{2}$`, `^[0-9]{4}-[0-9]{2}$`},
	{`^[^@]+@.+$`, `^[^@]+@[^\n]+$`},
	{`(?i)^ab1$`, `^[Aa][Bb]1$`},
	{`(?i)k`, "[Kk\u212a]"},
	{`^(?P<year>\d+)/(a|bc)*?$`, `^([0-9]+)\/(a|bc)*?$`},
	{`^(?:ab){2,}c{1,3}?$`, `^(?:ab){2,}c{1,3}?$`},
	{`\A[[:alpha:]_]\z`, `^[A-Z_a-z]$`},
	{`^\s\S\w\W$`, `^[\t\n\f\r ][^\t\n\f\r ][0-9A-Z_a-z][^0-9A-Z_a-z]$`},
	{`(?m)^a$`, `(?:^|(?<=\n))a(?=\n|$)`},
	{`(?s)^.$`, `^[^]$`},
	{`\Qa.b\E|x{3}`, `a\.b|x{3}`},
	{`^[\]\-\\^a]$`, `^[\-\\-\^a]$`},
	{`^\x{1F600}?[𝒜-𝒵]$`, "^\U0001f600?[\U0001d49c-\U0001d4b5]$"},
	{`a\b.\Bb`, `a\b[^\n]\Bb`},
	{`^(a|)$`, `^(a|(?:))$`},
	{`[[:^space:]]{2}`, `[^\t-\r ]{2}`},
}

func TestPatternsAreInTheDialectOfJSONSchema(t *testing.T) {
	t.Parallel()
	for _, p := range patterns {
		if got := scriptPattern(p[0]); got != p[1] {
			t.Errorf("%s is %s, want %s", p[0], got, p[1])
		}
	}
}

// TestPatternsMatchTheSameTextsInJavaScript asks the engine of the dialect itself.
func TestPatternsMatchTheSameTextsInJavaScript(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("Node.js is missing: make test installs it")
	}
	texts := []string{
		"", "a", "ab", "abc", "AB1", "aB1", "K", "\u212a", "2026-12", "x@y", "x@\n", "@", "12/abcbc", "12/", "ababc", "ababccc", "abababcccc", "_", "é",
		"\t!a-", "  a!", "b\na\nc", "ba", "\n", "\r", "\u2028", "a.b", "a+b", "xxx", "]", "-", `\`, "^", "\U0001f600\U0001d49d", "\U0001d49d", "a b", "ab b", "..", "\v\v", "a\u00a0",
	}
	var exprs []string
	for _, p := range patterns {
		exprs = append(exprs, scriptPattern(p[0]))
	}
	in, _ := json.Marshal([][]string{exprs, texts})
	cmd := exec.CommandContext(t.Context(), node, "-e", `
		const [exprs, texts] = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(JSON.stringify(exprs.map(e => texts.map(t => new RegExp(e, "u").test(t)))));`)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err, string(err.(*exec.ExitError).Stderr))
	}
	var matches [][]bool
	if err := json.Unmarshal(out, &matches); err != nil || len(matches) != len(patterns) {
		t.Fatal(err, len(matches))
	}
	for i, p := range patterns {
		for j, text := range texts {
			if want := regexp.MustCompile(p[0]).MatchString(text); matches[i][j] != want {
				t.Errorf("%s matches %q: %v, but %s: %v", p[0], text, want, exprs[i], matches[i][j])
			}
		}
	}
}
