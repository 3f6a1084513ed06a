package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// longName is the name of an environment variable or of a test. Its line may break at each wordEnd.
var (
	longName = regexp.MustCompile(`<code>(?:ACTIONHERO_[A-Z_]+|Test[A-Z]\w+)</code>`)
	wordEnd  = regexp.MustCompile(`([a-z_])([A-Z])`)
)

var formatter = chromahtml.New(chromahtml.WithClasses(true), chromahtml.ClassPrefix("c-"), chromahtml.TabWidth(4))

// render fills a page from its text.
func (s *Site) render(p *Page, pages map[string]*Page) error {
	source, blocks := []byte(p.text), &blockRenderer{root: s.root}
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(blocks, 100))),
	)
	ids := &githubIDs{used: map[string]bool{}}
	doc := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(ids))))
	if err := s.inspect(p, doc, source, pages); err != nil {
		return err
	}
	p.anchors = ids.used
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, doc); err != nil {
		return err
	}
	p.HTML = strings.NewReplacer("<table>", `<div class="table"><table>`, "</table>", "</table></div>").Replace(out.String())
	p.HTML = longName.ReplaceAllStringFunc(p.HTML, func(s string) string { return wordEnd.ReplaceAllString(s, "$1<wbr>$2") })
	return nil
}

// inspect records the headings, the text and the links of a document, and changes its links to those of the site.
func (s *Site) inspect(p *Page, doc ast.Node, source []byte, pages map[string]*Page) error {
	var comments []ast.Node
	p.Sections = []Section{{}}
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		last := &p.Sections[len(p.Sections)-1]
		switch n := n.(type) {
		case *ast.Heading:
			id, _ := n.AttributeString("id")
			title := plain(n, source)
			if n.Level == 1 && p.Title == "" {
				p.Title = title
			}
			p.Sections = append(p.Sections, Section{Level: n.Level, Anchor: string(id.([]byte)), Title: title})
		case *ast.Link:
			p.links = append(p.links, link{string(n.Destination), p.line + lineOf(n, source)})
			n.Destination = []byte(s.target(p, string(n.Destination), pages))
		case *ast.HTMLBlock:
			if first := n.Lines().At(0); !bytes.HasPrefix(bytes.TrimSpace(first.Value(source)), []byte("<!--")) {
				return ast.WalkStop, fmt.Errorf("line %d has HTML", lineOf(n, source))
			}
			comments = append(comments, n)
		case *extast.TableHeader:
			p.Wide = p.Wide || n.ChildCount() >= 5
		case *ast.RawHTML:
			return ast.WalkStop, fmt.Errorf("line %d has HTML", lineOf(n.Parent(), source))
		case *ast.Paragraph, *ast.TextBlock, *extast.TableCell:
			last.Text += plain(n, source) + " "
		}
		return ast.WalkContinue, nil
	})
	for _, n := range comments {
		n.Parent().RemoveChild(n.Parent(), n)
	}
	if p.Title == "" && err == nil {
		err = fmt.Errorf("the document has no title")
	}
	return err
}

// plain returns the text of a node without markup.
func plain(n ast.Node, source []byte) string {
	var out strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			out.Write(t.Value(source))
			if t.SoftLineBreak() {
				out.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}

// lineOf returns the line of the block that a node is in.
func lineOf(n ast.Node, source []byte) int {
	for ; n != nil; n = n.Parent() {
		if n.Type() == ast.TypeBlock && n.Lines().Len() > 0 {
			return 1 + bytes.Count(source[:n.Lines().At(0).Start], []byte("\n"))
		}
	}
	return 1
}

// target returns the link of the site for a link of the document: to a page, to a file of the repository, or outside.
func (s *Site) target(p *Page, link string, pages map[string]*Page) string {
	file, anchor, _ := strings.Cut(link, "#")
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return link
	}
	if file == "" {
		file = p.Source
	} else {
		file = path.Join(path.Dir(p.Source), file)
	}
	if to := s.parts[file+"#"+anchor]; to != nil {
		if to.Source == splitSource {
			return p.Up() + to.Path + "#" + anchor
		}
		return p.Up() + to.Path
	}
	if file == p.Source && link[0] == '#' {
		return link
	}
	if anchor != "" {
		anchor = "#" + anchor
	}
	if file == "docs/decisions" {
		file, anchor = contents, ""
	}
	if to := pages[file]; to != nil {
		return p.Up() + to.Path + anchor
	}
	return repository + file + anchor
}

var linkInHeading = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// githubIDs makes the anchors of headings as GitHub does, so that one link is right in both places.
type githubIDs struct{ used map[string]bool }

func (g *githubIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	var id strings.Builder
	text := linkInHeading.ReplaceAllString(string(value), "$1")
	for _, r := range strings.ToLower(strings.TrimSpace(text)) {
		switch {
		case r == ' ':
			id.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			id.WriteRune(r)
		}
	}
	unique := id.String()
	for i := 1; g.used[unique]; i++ {
		unique = fmt.Sprint(id.String(), "-", i)
	}
	g.used[unique] = true
	return []byte(unique)
}

func (g *githubIDs) Put(value []byte) { g.used[string(value)] = true }

// blockRenderer renders fenced blocks, with colours and the name of the file that a block shows, and headings with a link.
type blockRenderer struct{ root string }

func (r *blockRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, r.fenced)
	reg.Register(ast.KindHeading, r.heading)
}

func (r *blockRenderer) heading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Heading)
	id, _ := n.AttributeString("id")
	if entering {
		fmt.Fprintf(w, `<h%d id="%s">`, n.Level, id)
	} else {
		fmt.Fprintf(w, ` <a class="anchor" href="#%s" aria-label="link to this part">#</a></h%d>`+"\n", id, n.Level)
	}
	return ast.WalkContinue, nil
}

func (r *blockRenderer) fenced(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.FencedCodeBlock)
	code := string(n.Lines().Value(source))
	kind, info := "", ""
	if n.Info != nil {
		kind, info, _ = strings.Cut(string(n.Info.Value(source)), " ")
	}
	fmt.Fprintf(w, `<figure class="code" data-kind="%s">`, html.EscapeString(kind))
	if name := fileOf(info); name != "" {
		r.caption(w, name)
	}
	lexer := lexers.Get(kind)
	if lexer == nil || kind == "" || kind == "console" {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err == nil {
		err = formatter.Format(w, styles.Fallback, tokens)
	}
	_, _ = w.WriteString("</figure>\n")
	return ast.WalkSkipChildren, err
}

// fileOf returns the name of the file in the info of a block, or "".
func fileOf(info string) string {
	words := strings.Fields(info)
	if len(words) == 0 || len(words) > 2 {
		return ""
	}
	if name := words[len(words)-1]; strings.Contains(name, ".") {
		return name
	}
	return ""
}

func (r *blockRenderer) caption(w util.BufWriter, name string) {
	name = html.EscapeString(name)
	if _, err := os.Stat(filepath.Join(r.root, filepath.FromSlash(name))); err == nil {
		fmt.Fprintf(w, `<figcaption><a href="%s%s">%s</a></figcaption>`, repository, name, name)
	} else {
		fmt.Fprintf(w, `<figcaption>%s</figcaption>`, name)
	}
}
