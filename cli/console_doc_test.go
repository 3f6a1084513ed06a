package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// consoleDoc returns the examples of docs/console.md.
func consoleDoc(t *testing.T) (session, script string) {
	t.Helper()
	page, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/console.md has %d examples", len(blocks))
	}
	return blocks[0][1], blocks[1][1]
}

// shows reports whether text is what a document shows, in which … stands for any text within a line.
func shows(document, text string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(document)), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(text))
}

// The script in docs/console.md prints the lines that stand there.
func TestTheScriptInTheDocumentsRuns(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	if err := s.Cache.Set(t.Context(), "greeting", "hello world", 0); err != nil {
		t.Fatal(err)
	}
	_, script := consoleDoc(t)
	examples := regexp.MustCompile(`(?m)^\$ (?:echo|printf) '(.*)' \| app console\n((?:[^$].*\n)+)`).FindAllStringSubmatch(script, -1)
	if len(examples) != 2 {
		t.Fatalf("the document has %d scripts", len(examples))
	}
	for _, example := range examples {
		out, errs, _ := enter(t, config, strings.ReplaceAll(example[1], `\n`, "\n"))
		if !shows(example[2], out+errs) {
			t.Errorf("the document shows\n%s\nbut the console prints\n%s%s", example[2], out, errs)
		}
	}
}
