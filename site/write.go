package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/alecthomas/chroma/v2/styles"
)

//go:embed assets
var assets embed.FS

var layout = template.Must(template.ParseFS(assets, "assets/page.html"))

// view is the data of the template.
type view struct {
	*Site
	Page          *Page
	Body          template.HTML
	Before, After *Page
	TOC           []Section
}

// Here reports whether a page is the one that is rendered.
func (v view) Here(p *Page) bool { return p == v.Page }

// Inside reports whether the page that is rendered is a page with parts, or one of its parts.
func (v view) Inside(p *Page) bool { return len(p.Parts) > 0 && (v.Page == p || v.Page.Above == p) }

// Open reports whether a group of the navigation is open.
func (v view) Open(g *Group) bool {
	for _, p := range g.Pages {
		if p == v.Page || p == v.Page.Above {
			return true
		}
	}
	return !g.Folds
}

// Write writes the site into a folder.
func (s *Site) Write(out string) error {
	for _, p := range s.Pages {
		v := view{Site: s, Page: p, Body: template.HTML(p.HTML)} // from documents of the repository, without HTML of their own
		v.Before, v.After = s.Next(p)
		for _, section := range p.Sections {
			if section.Level == 2 || section.Level == 3 {
				v.TOC = append(v.TOC, section)
			}
		}
		var page bytes.Buffer
		if err := layout.Execute(&page, v); err != nil {
			return err
		}
		if err := write(out, p.Path, page.Bytes()); err != nil {
			return err
		}
	}
	return s.writeAssets(out)
}

func (s *Site) writeAssets(out string) error {
	index, err := s.index()
	if err != nil {
		return err
	}
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return err
	}
	colours, err := highlighting()
	if err != nil {
		return err
	}
	js, err := assets.ReadFile("assets/site.js")
	if err != nil {
		return err
	}
	icon, err := os.ReadFile(filepath.Join(s.root, "server", "public", "icon.svg"))
	if err != nil {
		return err
	}
	plots, err := filepath.Glob(filepath.Join(s.root, "docs", "plots", "*.svg"))
	if err != nil {
		return err
	}
	for _, plot := range plots {
		data, err := os.ReadFile(plot)
		if err != nil {
			return err
		}
		if err := write(out, "plots/"+filepath.Base(plot), data); err != nil {
			return err
		}
	}
	for name, data := range map[string][]byte{"icon.svg": icon, "style.css": append(css, colours...), "site.js": js, "search-index.js": index} {
		if err := write(out, name, data); err != nil {
			return err
		}
	}
	return nil
}

// highlighting returns the colours of code, light and dark.
func highlighting() ([]byte, error) {
	var css bytes.Buffer
	for _, c := range []struct{ style, before, after string }{
		{"github", `:root[data-theme="light"] {`, "}\n"},
		{"github", `@media (prefers-color-scheme: light) { :root:not([data-theme="dark"]) {`, "}}\n"},
		{"github-dark", `:root[data-theme="dark"] {`, "}\n"},
		{"github-dark", `@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {`, "}}\n"},
	} {
		css.WriteString(c.before)
		if err := formatter.WriteCSS(&css, styles.Get(c.style)); err != nil {
			return nil, err
		}
		css.WriteString(c.after)
	}
	return css.Bytes(), nil
}

// entry is a section in the search index.
type entry struct {
	Path  string `json:"p"`
	Page  string `json:"t"`
	Title string `json:"h,omitempty"`
	Text  string `json:"x"`
}

// index returns a script with the search index. A script, in contrast to a JSON file, is loaded from a disk, too.
func (s *Site) index() ([]byte, error) {
	var entries []entry
	for _, p := range s.Pages {
		for _, section := range p.Sections {
			e := entry{Path: p.Path, Page: p.Title, Text: strings.Join(strings.Fields(section.Text), " ")}
			if section.Level > 1 {
				e.Path, e.Title = p.Path+"#"+section.Anchor, section.Title
			}
			if e.Text != "" || e.Title != "" {
				entries = append(entries, e)
			}
		}
	}
	data, err := json.Marshal(entries)
	return append(append([]byte("window.searchIndex = "), data...), ";\n"...), err
}

func write(out, name string, data []byte) error {
	file := filepath.Join(out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Join(out, filepath.FromSlash(path.Dir(name))), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
