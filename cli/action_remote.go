package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/inplace"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// maxRemoteAnswer is the size, in bytes, of the longest output of a remote action. Bytes of a Content have no limit.
const maxRemoteAnswer = 64 << 20

// remote is the server of --server, over HTTP.
type remote struct {
	base  string // the URL of the actions, without a slash at the end
	token string // for the header Authorization; empty: none
}

// newRemote reads the flags --server and --token. A URL without a path means the path of actions of the configuration.
func newRemote(server, token, path string) (*remote, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, usage("--server is %q: write a URL such as https://example.org", server)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/" + path
	}
	if file, ok := strings.CutPrefix(token, "@"); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the token cannot be read: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	return &remote{strings.TrimSuffix(u.String(), "/"), token}, nil
}

// runRemote runs the action in the server of --server.
func (f *actionFlags) runRemote(ctx context.Context, env *Env, call *inplace.Call) error {
	if f.running {
		return usage("there are both --running and --server: use one of them")
	}
	r, err := newRemote(f.server, f.token, env.Config.CommonWeb.URLPathForActions)
	if err != nil {
		return err
	}
	return r.run(ctx, env, call, f.info != nil && f.info.ReturnsContent())
}

// run runs the action in the remote server and writes its output. isBytes reports that the action is known to return bytes.
func (r *remote) run(ctx context.Context, env *Env, call *inplace.Call, isBytes bool) error {
	body, contentType, err := remoteBody(call)
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(url.PathEscape(call.Action), "%2F", "/") // the slash of a version
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/"+name, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if call.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", string(jsonx.AppendString(nil, call.IdempotencyKey)))
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the token is for this server alone
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	mediaType, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	isJSON := mediaType == "application/json" || mediaType == "application/problem+json"
	if answer.StatusCode < 300 && (isBytes || !isJSON && answer.StatusCode != http.StatusNoContent) {
		_, err := io.Copy(env.Stdout, answer.Body)
		return err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxRemoteAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusNoContent {
		text = []byte("{}")
	} else if !isJSON {
		return fmt.Errorf("%s answers with the status %s: %.200s", r.base, answer.Status, bytes.TrimSpace(text))
	}
	object, err := readRemote(text, answer)
	if err != nil {
		return err
	}
	return printOutput(env.Stdout, object)
}

// remoteFailure is what an answer says about a failure, in the classic envelope or as a problem.
type remoteFailure struct {
	ServerInformation json.RawMessage     `json:"serverInformation"` // of the classic envelope only
	Error             any                 `json:"error"`
	ErrorCode         string              `json:"errorCode"`
	ErrorDetails      []actionhero.Detail `json:"errorDetails"`
	Code              string              `json:"code"`
	Detail            string              `json:"detail"`
	Errors            []actionhero.Detail `json:"errors"`
}

// readRemote returns the output in an answer without its envelope, or the failure.
func readRemote(text []byte, answer *http.Response) ([]byte, error) {
	var f remoteFailure
	_ = json.Unmarshal(text, &f) // an output may have members of these names with other types
	isClassic := f.ServerInformation != nil
	object := []byte{'{'}
	err := jsonx.Members(text, func(key string, raw []byte) error {
		if isClassic && (key == "serverInformation" || key == "requestorInformation" || key == "error") {
			return nil
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		object = append(append(jsonx.AppendString(object, key), ':'), raw...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the answer is no JSON object: %w", err)
	}
	message, _ := f.Error.(string)
	switch {
	case isClassic && message != "OK":
		return nil, remoteError(f.ErrorCode, message, f.ErrorDetails)
	case answer.StatusCode >= http.StatusBadRequest:
		return nil, remoteError(f.Code, cmp.Or(f.Detail, "the server answers with the status "+answer.Status), f.Errors)
	case answer.StatusCode >= http.StatusMultipleChoices:
		return nil, fmt.Errorf("the server redirects to %s: use that URL", answer.Header.Get("Location"))
	}
	return append(object, '}'), nil
}

func remoteError(code, message string, details []actionhero.Detail) error {
	f := &failure{code: 1, err: errors.New(message), details: details}
	for c, exit := range exitCodes {
		if c.String() == code {
			f.code = exit
		}
	}
	return f
}

// remoteBody returns the body with the inputs of a call: JSON, or a form if an input is a file.
func remoteBody(call *inplace.Call) (body io.Reader, contentType string, err error) {
	given := map[string][]inplace.Value{}
	var keys []string
	hasFile := false
	for _, v := range call.Values {
		if given[v.Key] == nil {
			keys = append(keys, v.Key)
		}
		given[v.Key] = append(given[v.Key], v)
		hasFile = hasFile || v.File != nil
	}
	var rest []inplace.Value // of --json or --stdin, unless a flag wins
	if len(call.Object) > 0 {
		err := jsonx.Members(call.Object, func(key string, raw []byte) error {
			if given[key] == nil {
				rest = append(rest, inplace.Value{Key: key, JSON: bytes.Clone(raw)})
			}
			return nil
		})
		if err != nil {
			return nil, "", err
		}
	}
	if hasFile {
		return remoteForm(append(rest, call.Values...))
	}
	object := map[string]json.RawMessage{}
	for _, v := range rest {
		object[v.Key] = v.JSON
	}
	for _, key := range keys {
		var list []json.RawMessage
		for _, v := range given[key] {
			list = append(list, jsonOf(v))
		}
		if object[key] = list[0]; len(list) > 1 {
			if object[key], err = json.Marshal(list); err != nil {
				return nil, "", err
			}
		}
	}
	text, err := json.Marshal(object)
	return bytes.NewReader(text), "application/json", err
}

func jsonOf(v inplace.Value) json.RawMessage {
	if v.JSON != nil {
		return v.JSON
	}
	return jsonx.AppendString(nil, v.Text)
}

// remoteForm returns the values as a form. It streams the files.
func remoteForm(values []inplace.Value) (io.Reader, string, error) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { // ends when the body has been read or closed
		var err error
		for _, v := range values {
			if err = writePart(form, v); err != nil {
				break
			}
		}
		_ = w.CloseWithError(errors.Join(err, form.Close()))
	}()
	return r, form.FormDataContentType(), nil
}

func writePart(form *multipart.Writer, v inplace.Value) error {
	header, content := textproto.MIMEHeader{}, io.Reader(strings.NewReader(v.Text))
	attributes := map[string]string{"name": v.Key}
	switch {
	case v.File != nil:
		attributes["filename"], content = v.File.Name, v.File
		header.Set("Content-Type", cmp.Or(v.File.Type, "application/octet-stream"))
	case v.JSON != nil:
		header.Set("Content-Type", "application/json")
		content = bytes.NewReader(v.JSON)
	}
	header.Set("Content-Disposition", mime.FormatMediaType("form-data", attributes))
	part, err := form.CreatePart(header)
	if err == nil {
		_, err = io.Copy(part, content)
	}
	return err
}
