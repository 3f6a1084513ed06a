package oauth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// style is the style of the pages. The header Content-Security-Policy names its hash, so the pages need no other.
const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:30rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.4rem}
ul{list-style:none;padding:0}li{margin:.5rem 0}.from{border:1px solid;border-radius:.5rem;padding:.75rem;overflow-wrap:anywhere}
button{font:inherit;padding:.5rem 1.25rem;margin-right:.5rem;border-radius:.5rem;border:1px solid;cursor:pointer}.allow{background:#1a56db;color:#fff}`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

var pages = template.Must(template.New("").Parse(`{{define "head"}}<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title><style>` + style + `</style></head><body>{{end}}
{{define "consent"}}{{template "head" .}}<h1>Allow {{.Name}} to use your account?</h1>
<p>You are logged in as <b>{{.User}}</b>.</p>
<div class="from">{{if .Stranger}}The program calls itself <b>{{.Name}}</b>{{if .Host}} and comes from <b>{{.Host}}</b>{{end}}. This site has not checked that.<br>{{end}}
The answer goes to <b>{{.Redirect}}</b>{{if .Local}}, a program on your own device. Go on only if you have just started it{{end}}.</div>
<form method="post" action="/authorize"><input type="hidden" name="consent" value="{{.Consent}}">
<p>It may, for {{.Resource}}:</p><ul>{{range .Scopes}}
<li><label><input type="checkbox" name="scope" value="{{.Name}}" checked> {{.Description}}</label></li>{{end}}</ul>
<button class="allow" name="decision" value="allow">Allow</button><button name="decision" value="refuse">Refuse</button></form></body></html>{{end}}
{{define "error"}}{{template "head" .}}<h1>This cannot be allowed</h1><p>{{.Text}}.</p><p>Error: {{.Code}}</p>{{if .Back}}<p><a rel="noreferrer" href="{{.Back}}">Tell the program</a></p>{{end}}</body></html>{{end}}`))

// page returns the handler of an endpoint for people.
func (n *node) page(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return handler{n, func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		setPolicy(header, "")
		if err := serve(w, r); err != nil {
			f := n.asFailure(r, err)
			_ = show(w, f.status, "error", map[string]any{"Title": "Error", "Text": f.text, "Code": f.code})
		}
	}}
}

// setPolicy sets the header Content-Security-Policy. The form of the page may lead to the redirect URI.
func setPolicy(header http.Header, redirect string) {
	target := "'self'"
	if u, err := url.Parse(redirect); err == nil && redirect != "" {
		target += " " + u.Scheme + ":"
		if u.Scheme == "https" || u.Scheme == "http" {
			target += "//" + u.Host
		}
	}
	header.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash+"; form-action "+target+"; frame-ancestors 'none'; base-uri 'none'")
}

func show(w http.ResponseWriter, status int, name string, data map[string]any) error {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the user may have gone
	return nil
}

// showConsent shows the page on which the user decides.
func (n *node) showConsent(w http.ResponseWriter, r *http.Request, c *client, req *request, who actionhero.Identity, id string) error {
	u, err := url.Parse(req.Redirect)
	if err != nil {
		return err
	}
	user, _ := who.Claims["name"].(string)
	if user == "" {
		user = who.ID
	}
	host := ""
	if document, err := url.Parse(c.ID); err == nil {
		host = document.Host
	}
	redirect := u.Host
	if u.Scheme != "https" && u.Scheme != "http" {
		redirect = u.Scheme + "://" + u.Host
	}
	name := c.Name
	if name == "" {
		name = "a program without a name"
	}
	var scopes []Scope
	for _, scope := range n.cfg.Scopes {
		for _, asked := range req.Scopes {
			if asked == scope.Name {
				scopes = append(scopes, scope)
			}
		}
	}
	setPolicy(w.Header(), req.Redirect)
	n.log(r, "a client asks a user", "client", c.ID, "user", who.ID, "scopes", strings.Join(req.Scopes, " "), "resource", req.Resource)
	return show(w, http.StatusOK, "consent", map[string]any{
		"Title": "Allow access", "Name": name, "User": user, "Stranger": c.stranger, "Host": host, "Redirect": redirect,
		"Local":    u.Scheme != "https",
		"Resource": req.Resource, "Consent": id, "Scopes": scopes,
	})
}
