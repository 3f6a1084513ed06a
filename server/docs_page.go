package server

import (
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed docspage
var docsPage embed.FS

// docsPolicy is the policy of the page of the API: it loads only its own scripts and styles, and no other page frames it.
const docsPolicy = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// docsSite is what the page of the API needs to find the server, which may be behind a path prefix of a proxy.
type docsSite struct {
	Root     string `json:"root"` // relative to the page
	OpenAPI  string `json:"openAPI"`
	AsyncAPI string `json:"asyncAPI"`
}

// mountDocs mounts the page of the API at /public/docs/, unless a setting turns it off or the app has a folder docs in its
// folder of static files.
func (s *Server) mountDocs(cfg *Config) error {
	if !*cfg.CommonWeb.DocsPage || cfg.CommonWeb.OpenAPI == "off" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(cfg.General.FlatFileDirectory, "docs")); err == nil && cfg.General.FlatFileDirectory != "" {
		return nil
	}
	paths := s.Web.Paths()
	folder := paths.Files + "/docs"
	here, err := json.Marshal(docsSite{
		Root: strings.Repeat("../", strings.Count(folder, "/")), OpenAPI: paths.Actions + "/openapi.json", AsyncAPI: paths.Actions + "/asyncapi.json",
	})
	if err != nil {
		return err
	}
	slash := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "docs/") // relative, because a proxy may have a path prefix
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	errs := []error{s.Web.Mount(folder, slash), s.Web.Mount(folder+"/site.json", embedded("site.json", "application/json", here))}
	for name, mediaType := range map[string]string{"index.html": "text/html", "docs.js": "text/javascript", "schema.js": "text/javascript", "docs.css": "text/css"} {
		text, err := docsPage.ReadFile(path.Join("docspage", name))
		at := folder + "/" + name
		if name == "index.html" {
			at = folder + "/{$}"
		}
		errs = append(errs, err, s.Web.Mount(at, guarded(embedded(name, mediaType, text))))
	}
	return errors.Join(errs...)
}

// guarded adds the policy of the page, unless the setting commonWeb.httpHeaders has one.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w.Header().Get("Content-Security-Policy") == "" {
			w.Header().Set("Content-Security-Policy", docsPolicy)
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}
