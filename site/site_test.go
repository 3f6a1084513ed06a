package main

import (
	"html"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// built is the site of the repository, in a folder of the test.
func built(t *testing.T) (s *Site, dir string) {
	t.Helper()
	s, err := Build("..", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// files returns the files of a folder by their paths below it.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		found[name] = string(data)
		return err
	})
	if err != nil || len(found) < 30 {
		t.Fatalf("%d files were written: %v", len(found), err)
	}
	return found
}

func repositoryWith(t *testing.T, docs map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	docs["CHANGELOG.md"] = "# Changelog\n"
	if docs["docs/README.md"] == "" {
		docs["docs/README.md"] = "# Documentation\n\n- [A](a.md): a\n"
	}
	for name, text := range docs {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestEachDeadLinkIsNamedWithItsLine(t *testing.T) {
	t.Parallel()
	_, err := Build(repositoryWith(t, map[string]string{
		"README.md": "# Home\n\n[a](docs/a.md#the-part), [b](docs/b.md)\n",
		"docs/a.md": "# A\n\n## The part\n\n- [here](#the-part), [there](#nowhere)\n\n| a |\n|---|\n| [home](../README.md#home), [gone](../README.md#gone) |\n",
	}), nil)
	want := []string{
		"README.md:3: the link docs/b.md leads to no file",
		"docs/a.md:5: the link #nowhere leads to no heading",
		"docs/a.md:9: the link ../README.md#gone leads to no heading",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("the error is\n%v\nnot\n%s", err, strings.Join(want, "\n"))
	}
}

var (
	reference = regexp.MustCompile(` (?:href|src)="([^"]*)"`)
	loaded    = regexp.MustCompile(`<(?:script|img|link|iframe)[^>]* (?:href|src)="([^"]*)"`)
)

// TestEachLinkOfTheSiteLeadsSomewhere looks at the pages themselves: a link within the site has its file and its anchor,
// a link to the repository its file there, and no page loads anything from another host.
func TestEachLinkOfTheSiteLeadsSomewhere(t *testing.T) {
	t.Parallel()
	_, dir := built(t)
	all, links := files(t, dir), 0
	for name, text := range all {
		if path.Ext(name) != ".html" {
			continue
		}
		for _, m := range loaded.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ":") || strings.HasPrefix(m[1], "/") {
				t.Errorf("%s loads %s", name, m[1])
			}
		}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			links++
			if problem := follow(all, name, m[1]); problem != "" {
				t.Errorf("%s: %s: %s", name, m[1], problem)
			}
		}
	}
	if links < 1000 {
		t.Errorf("only %d links were found", links)
	}
	for name, text := range all {
		if ext := path.Ext(name); (ext == ".css" || ext == ".js" && name != "search-index.js") && strings.Contains(text, "://") {
			t.Errorf("%s names an address of another host", name)
		}
	}
}

// follow returns what is wrong with a link, or "".
func follow(all map[string]string, from, link string) string {
	if file, ok := strings.CutPrefix(link, repository); ok {
		file, _, _ = strings.Cut(file, "#")
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(file))); err != nil {
			return err.Error()
		}
		return ""
	}
	if strings.Contains(link, "://") {
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
	}
	if text, ok := all[to]; !ok {
		return "there is no " + to
	} else if anchor != "" && !strings.Contains(text, ` id="`+anchor+`"`) {
		return to + " has no such anchor"
	}
	return ""
}

func TestEveryPageIsReachedFromTheNavigation(t *testing.T) {
	t.Parallel()
	s, dir := built(t)
	written := files(t, dir)
	index := written["search-index.js"]
	for _, p := range s.Pages {
		from, link := "index.html", p.Path
		if p.Above != nil {
			from = p.Above.Path
		}
		if p.Path != "contents.html" && !strings.Contains(written[from], `href="`+link+`"`) {
			t.Errorf("the navigation does not have %s", p.Path)
		}
		if !strings.Contains(index, `"p":"`+p.Path) {
			t.Errorf("the search does not know %s", p.Path)
		}
	}
}

// A heading has the anchor that GitHub gives it, so a link of a document works in both places.
func TestAnchorsAreThoseOfGitHub(t *testing.T) {
	t.Parallel()
	s, err := Build(repositoryWith(t, map[string]string{
		"README.md": "# Home\n",
		"docs/a.md": "# A\n\n## WebSocket and Socket.IO\n\n## `app cert`: a_b\n\n## Same\n\n## Same\n\n## C'est ça?\n",
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var anchors []string
	for _, p := range s.Pages {
		for _, section := range p.Sections {
			if p.Path == "a.html" && section.Level == 2 {
				anchors = append(anchors, section.Anchor)
			}
		}
	}
	if got, want := strings.Join(anchors, " "), "websocket-and-socketio app-cert-a_b same same-1 cest-ça"; got != want {
		t.Errorf("the anchors are %s, not %s", got, want)
	}
}

func TestCommentsForTestsAreNotShown(t *testing.T) {
	t.Parallel()
	s, err := Build(repositoryWith(t, map[string]string{
		"README.md": "# Home\n",
		"docs/a.md": "# A\n\n<!-- var secret int -->\n```go file.go\nx := 1 < 2\n```\n",
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Pages {
		if strings.Contains(p.HTML, "secret") {
			t.Errorf("%s shows a comment: %s", p.Path, p.HTML)
		}
		if p.Path == "a.html" && !strings.Contains(p.HTML, "<figcaption>file.go</figcaption>") {
			t.Errorf("the name of the file is missing: %s", p.HTML)
		}
	}
	if _, err := Build(repositoryWith(t, map[string]string{"README.md": "# Home\n", "docs/a.md": "# A\n\n<script>x</script>\n"}), nil); err == nil {
		t.Error("a document may have HTML")
	}
}

func TestEveryCommandIsOnItsPage(t *testing.T) {
	t.Parallel()
	commands, err := Commands("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n## actionhero start\n", "\n### actionhero tasks list\n", "--nodes", "\n### actionhero generate action\n"} {
		if !strings.Contains(commands, want) {
			t.Errorf("the page of commands lacks %q", want)
		}
	}
	s, err := Build("..", map[string]string{commandsSource: commands})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range s.Groups {
		for _, p := range g.Pages {
			if p.Path == "commands.html" && g.Title == "Reference" {
				return
			}
		}
	}
	t.Error("the reference does not have the page of commands")
}

const guide = "# Guide\n\nAbove.\n\n## One and two\n\nThe first sentence. The second.\n\n### Deeper\n\n```sh\n## no heading\n```\n\n" +
	"[two](#two), [deeper](#deeper), [a](a.md), [gone](#gone)\n\n## Two\n\n| a |\n|---|\n"

// A part has everything below its heading, one level higher, and each line is in one part.
func TestThePartsHaveTheWholeDocument(t *testing.T) {
	t.Parallel()
	intro, parts := split(guide)
	if len(parts) != 2 || intro != "# Guide\n\nAbove.\n\n" {
		t.Fatalf("the parts are %+v, after %q", parts, intro)
	}
	if p := parts[0]; p.anchor != "one-and-two" || p.line != 4 || strings.Join(p.anchors, " ") != "deeper" ||
		!strings.Contains(p.text, "\n## Deeper\n\n```sh\n## no heading\n```\n") {
		t.Errorf("the first part is %+v", p)
	}
	if whole := intro + "#" + strings.Replace(parts[0].text, "## Deeper", "### Deeper", 1) + "#" + parts[1].text; whole != guide {
		t.Errorf("together they are %q", whole)
	}
}

func TestLinksToAPartLeadToItsPage(t *testing.T) {
	t.Parallel()
	docs := map[string]string{
		"README.md": "# Home\n\n[deeper](docs/guide.md#deeper), [guide](docs/guide.md)\n",
		"docs/a.md": "# A\n\n[two](guide.md#two)\n", "docs/guide.md": guide, "docs/README.md": "# Documentation\n\n- [A](a.md)\n- [Guide](guide.md)\n",
	}
	_, err := Build(repositoryWith(t, docs), nil)
	if err == nil || err.Error() != "docs/guide.md:15: the link #gone leads to no heading" {
		t.Errorf("with a dead link in a part: %v", err)
	}
	docs["docs/guide.md"] = strings.ReplaceAll(guide, "[gone](#gone)", "")
	s, err := Build(repositoryWith(t, docs), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Pages {
		for _, want := range map[string][]string{
			"index.html":             {`href="guide/one-and-two.html#deeper"`, `href="guide.html"`},
			"a.html":                 {`href="guide/two.html#two"`},
			"guide.html":             {`id="two"`, `href="guide/two.html#two"`, "The first sentence.<", `href="guide/one-and-two.html#deeper"`},
			"guide/one-and-two.html": {`href="../guide/two.html#two"`, `href="../a.html"`, `<h1 id="one-and-two">`, `<h2 id="deeper">`},
		}[p.Path] {
			if !strings.Contains(p.HTML, want) {
				t.Errorf("%s lacks %s: %s", p.Path, want, p.HTML)
			}
		}
	}
}

// Each transcript has a page with all its lines.
func TestEachTranscriptIsAPage(t *testing.T) {
	t.Parallel()
	_, dir := built(t)
	written := files(t, dir)
	transcripts, err := filepath.Glob("../server/testdata/wire/*.txtar")
	if err != nil || len(transcripts) < 10 {
		t.Fatalf("%d transcripts: %v", len(transcripts), err)
	}
	for _, file := range transcripts {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page := html.UnescapeString(written["wire/"+transcriptName(file)+".html"])
		for line := range strings.Lines(string(source)) {
			if line = strings.TrimSpace(line); strings.Contains(line, "> ") && !strings.HasPrefix(line, "#") && !strings.Contains(page, line) {
				t.Errorf("the page of %s lacks %q", file, line)
			}
		}
		if !strings.Contains(written["wire.html"], `href="wire/`+transcriptName(file)+`.html"`) {
			t.Errorf("no link leads to the page of %s", file)
		}
	}
}
