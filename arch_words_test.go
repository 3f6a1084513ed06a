package actionhero_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oldWord is a word or a turn of phrase that hides what a sentence says, or a private name for a thing that has a
// standard one. docs/glossary.md lists the private words that stay.
type oldWord struct {
	pattern string   // case-insensitive unless it begins with (?-i); it matches whole words
	instead string   // the remedy, for the failure
	unless  string   // a pattern: text that it matches is not looked at
	folders []string // the folders in which the word is an old one; none: everywhere
}

var oldWords = []oldWord{
	// People in place of parts of the program.
	{pattern: `who(m)?ever`, instead: "name it: the caller, a client, a goroutine"},
	{pattern: `nobody|somebody|anybody|everybody`, instead: "name it: no client, another process, each caller"},
	{pattern: `(is|are|was|were|be|been|being) told`, instead: "is notified, receives, reads"},
	{pattern: `go(es)? home`, instead: "stops"},
	{pattern: `at work`, instead: "running, in use"},
	{pattern: `by (itself|themselves)`, instead: "automatically, on a schedule, without …"},
	{pattern: `tells? (whether|how|what|which|if)`, instead: "reports, returns"},

	// Sentences without a noun.
	{pattern: `^(what|who)|[.;!?] (What|Who|what|who)`, instead: "begin with a noun that exists in the code", unless: `(?i)\b(what|who)\b[^.;!]*\?`},
	{pattern: `(and|but|or|so|of|for|from|to|in|on|by|with|than|as|while|because|that|until|if|when|before|after|,) what (is|was|are|were)`,
		instead: "use a noun: the queued bytes, not what is queued", unless: `what (is|was|are|were) (wrong|allowed)\b`},
	{pattern: `that of`, instead: "repeat the noun"},
	{pattern: `be it`, instead: "whether"},
	{pattern: `such`, instead: "this, these, of this kind", unless: `(?i)\bsuch as\b|\bno such\b`},
	{pattern: `beside`, instead: "next to, compared with"},
	{pattern: `thereby`, instead: "so, therefore"},

	// Words that avoid the technical one.
	{pattern: `g[ia]ven? up|gives? up|gave up|giving up`, instead: "closes, abandons, stops waiting"},
	{pattern: `put(s|ting)? back`, instead: "requeues, returns"},
	{pattern: `put(s|ting)? aside`, instead: "rotates, moves, keeps"},
	{pattern: `a moment`, instead: "a number with its unit"},
	{pattern: `the house`, instead: "the module"},

	// Private names, and the standard ones.
	{pattern: `watch(man|men)`, instead: "monitor"},
	{pattern: `out-?box(es)?`, instead: "send queue"},
	{pattern: `idleread`, instead: "read buffer"},
	{pattern: `lean(er)?`, instead: "fast path, small"},
	{pattern: `paced`, instead: "progress"},
	{pattern: `victims?|innocents?`, instead: "target, well-behaved client"},
	{pattern: `diary`, instead: "recorder"},
	{pattern: `timetables?`, instead: "schedule, scheduler"},
	{pattern: `buried`, instead: "dead"},
	{pattern: `(?-i)Witness(es)?`, instead: "StartHook, StopHook"},
	{pattern: `(?-i)Sinks?`, instead: "transport.Sender"},
	{pattern: `(?-i)Carriers?`, instead: "Request.Extra"},
	{pattern: `(?-i)a Switch|actionhero\.Switch|\[Switch\]|(?-i)SetDefault`, instead: "*bool, the tag default"},
	{pattern: `verbs?`, instead: "command", unless: `%\w verb|(HTTP|fmt|format) verbs?`},
	{pattern: `owners?|owned`, instead: "connection loop, or what holds it", folders: []string{"internal/connloop", "internal/session", "internal/ws", "tcp", "websocket", "socketio"}},
	{pattern: `lanes?`, instead: "queue state", folders: []string{"backend/local/internal/queue"}},
	{pattern: `shifts?`, instead: "producer", folders: []string{"worker"}},
}

// allowed lists uses of old words that stay, each with its reason. An entry that nothing uses fails the test.
var allowed = []struct{ file, text, reason string }{
	{"builtin/builtin.go", "everybody in a chat room", "a description that clients read with actionsView"},
}

// TestNoOldWords looks at the comments of all Go code, at the string literals of code that is no test, which include
// help, log and error texts, and at the documents. In documents, code in backquotes and indented or fenced blocks does
// not count.
func TestNoOldWords(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(allowed))
	for _, file := range wordFiles(t) {
		for _, p := range passagesOf(t, file) {
			for _, f := range findOldWords(file, p.text) {
				if i := allowedBy(file, p.text[f.from:f.to], f.context); i >= 0 {
					used[i] = true
				} else {
					t.Errorf("%s:%d: %q in %q: %s", file, p.line(f.from), p.text[f.from:f.to], f.context, f.word.instead)
				}
			}
		}
	}
	for i, a := range allowed {
		if !used[i] {
			t.Errorf("the entry of allowed for %q in %s is not needed any more: delete it", a.text, a.file)
		}
	}
}

// wordFiles returns the Go files and documents of the repository, bench/ included.
func wordFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && (base == "testdata" || base == "node_modules" || base == "bin" || base == ".git") {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(base); ext == ".go" || ext == ".md" {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files were found: %v", len(files), err)
	}
	return files
}

// passage is a piece of prose whose lines are joined, so that a phrase is found across the end of a line.
type passage struct {
	text   string
	first  int   // the line of its beginning
	starts []int // where each further line begins in text
}

func (p passage) line(offset int) int {
	n, found := slices.BinarySearch(p.starts, offset)
	if found {
		n++
	}
	return p.first + n
}

func newPassage(first int, lines []string) passage {
	var text strings.Builder
	p := passage{first: first}
	for i, line := range lines {
		if i > 0 {
			text.WriteByte(' ')
			p.starts = append(p.starts, text.Len())
		}
		text.WriteString(strings.TrimSpace(line))
	}
	p.text = text.String()
	return p
}

func passagesOf(t *testing.T, file string) []passage {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if path.Ext(file) == ".md" {
		return documentPassages(string(source))
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []passage
	for _, group := range parsed.Comments {
		found = append(found, commentPassages(fset, group)...)
	}
	isTest := slices.ContainsFunc(parsed.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` })
	if isTest || strings.HasSuffix(file, "_test.go") {
		return found
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err == nil && strings.ContainsAny(text, " \n") {
				found = append(found, newPassage(fset.Position(lit.Pos()).Line, strings.Split(text, "\n")))
			}
		}
		return true
	})
	return found
}

// commentPassages returns the paragraphs of a comment, without its directives.
func commentPassages(fset *token.FileSet, group *ast.CommentGroup) (found []passage) {
	var lines []string
	first := fset.Position(group.Pos()).Line
	at := first
	flush := func() {
		if len(lines) > 0 {
			found = append(found, newPassage(at-len(lines), lines))
		}
		lines = nil
	}
	for _, c := range group.List {
		at = fset.Position(c.Pos()).Line
		text := strings.TrimSuffix(strings.TrimPrefix(c.Text, "/*"), "*/")
		for line := range strings.SplitSeq(text, "\n") {
			line, isLine := strings.CutPrefix(line, "//")
			directive := isLine && len(line) > 0 && line[0] != ' ' && line[0] != '\t'
			if directive || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "\t") && isLine {
				flush()
			} else {
				lines = append(lines, line)
			}
			at++
		}
	}
	flush()
	return found
}

var codeSpan = regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)|<!--.*?-->")

// documentPassages returns the paragraphs, list items and rows of tables of a Markdown file, without code and the targets of links.
func documentPassages(source string) (found []passage) {
	var lines []string
	fenced := false
	n := 0
	flush := func() {
		if len(lines) > 0 {
			p := newPassage(n-len(lines), lines)
			blank := func(s string) string { return strings.Repeat("`", len(s)) }
			p.text = codeSpan.ReplaceAllStringFunc(p.text, blank)
			found = append(found, p)
		}
		lines = nil
	}
	for line := range strings.SplitSeq(source, "\n") {
		n++
		isFence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence || fenced || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "    "):
			flush()
		case strings.HasPrefix(line, "#"):
			flush()
			found = append(found, newPassage(n, []string{strings.TrimLeft(line, "# ")}))
		case strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "|"):
			flush()
			fallthrough
		default:
			lines = append(lines, strings.TrimLeft(line, "-| "))
		}
		fenced = fenced != isFence
	}
	n++
	flush()
	return found
}

// compiledWord is an oldWord with its patterns.
type compiledWord struct {
	oldWord
	find, skip *regexp.Regexp
}

var compiledWords = func() []compiledWord {
	words := make([]compiledWord, len(oldWords))
	for i, w := range oldWords {
		words[i] = compiledWord{oldWord: w, find: regexp.MustCompile(`(?i)\b(?:` + w.pattern + `)\b`)}
		if strings.HasPrefix(w.pattern, "^") {
			words[i].find = regexp.MustCompile(`(?:` + w.pattern + `)\b`)
		}
		if w.unless != "" {
			words[i].skip = regexp.MustCompile(`(?i)` + w.unless)
		}
	}
	return words
}()

type foundWord struct {
	word     compiledWord
	from, to int
	context  string
}

func findOldWords(file, text string) (found []foundWord) {
	for _, w := range compiledWords {
		if len(w.folders) > 0 && !slices.ContainsFunc(w.folders, func(f string) bool { return below(file, f) }) {
			continue
		}
		looked := text
		if w.skip != nil {
			looked = w.skip.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat(" ", len(s)) })
		}
		for _, at := range w.find.FindAllStringIndex(looked, -1) {
			context := strings.ToValidUTF8(text[max(0, at[0]-30):min(len(text), at[1]+30)], "")
			found = append(found, foundWord{w, at[0], at[1], context})
		}
	}
	return found
}

// allowedBy returns the entry of allowed that lets a use stay, or -1.
func allowedBy(file, word, context string) int {
	return slices.IndexFunc(allowed, func(a struct{ file, text, reason string }) bool {
		return a.file == file && strings.Contains(context, a.text) && strings.Contains(a.text, word)
	})
}

var inBackquotes = regexp.MustCompile("`([^`]+)`")

// TestAgentsNamesEveryPackage keeps the map of AGENTS.md complete: each folder with Go code has its name in backquotes.
// A name with /* stands for all folders below.
func TestAgentsNamesEveryPackage(t *testing.T) {
	t.Parallel()
	agents, err := os.ReadFile("AGENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{".": true}
	for _, m := range inBackquotes.FindAllStringSubmatch(string(agents), -1) {
		named[m[1]] = true
	}
	for _, file := range wordFiles(t) {
		folder := path.Dir(file)
		above, _, _ := strings.Cut(folder, "/")
		if path.Ext(file) == ".go" && !named[folder] && !named[above+"/*"] {
			t.Errorf("AGENTS.md does not say which changes belong in %s", folder)
			named[folder] = true
		}
	}
}
