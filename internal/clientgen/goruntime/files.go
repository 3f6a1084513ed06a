package goruntime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"sync"
)

// Upload is a file to upload. A call with a Body that is an [io.Seeker] can be tried again.
type Upload struct {
	Name string    // of the file; default: "file"
	Type string    // media type; default: application/octet-stream
	Body io.Reader // read from its current position to its end

	start int64 // the position of the first attempt
	known bool
}

// uploader is an input with files.
type uploader interface{ uploads() []formFile }

// formFile is a file with the name of its input.
type formFile struct {
	name string
	file *Upload
}

// form is a body of multipart/form-data.
type form struct {
	body         io.Reader
	contentType  string
	size         int64 // -1: unknown
	isRepeatable bool
}

// newForm returns the body with the members of an object and with files. Nothing is read before the body is sent.
func newForm(object []byte, files []formFile) (*form, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for _, m := range membersOf(object) {
		if err := w.WriteField(m.name, m.text); err != nil {
			return nil, err
		}
	}
	f := &form{contentType: w.FormDataContentType(), isRepeatable: true}
	var parts []io.Reader
	flush := func() {
		f.size += int64(head.Len())
		parts = append(parts, bytes.NewReader(bytes.Clone(head.Bytes())))
		head.Reset()
	}
	unknown := false
	for _, one := range files {
		if one.file == nil || one.file.Body == nil {
			continue
		}
		if _, err := w.CreatePart(one.header()); err != nil {
			return nil, err
		}
		flush()
		body, n, err := one.file.again()
		if err != nil {
			return nil, err
		}
		if n < 0 {
			unknown, f.isRepeatable = true, false
		}
		f.size += n
		parts = append(parts, body)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	flush()
	if f.body = io.MultiReader(parts...); unknown {
		f.size = -1
	}
	return f, nil
}

func (f *formFile) header() textproto.MIMEHeader {
	name, kind := f.file.Name, f.file.Type
	if name == "" {
		name = "file"
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition(f.name, name))
	header.Set("Content-Type", kind)
	return header
}

// again returns a reader of the file from its first position, also in a further attempt, and the number of bytes, or -1.
func (u *Upload) again() (io.Reader, int64, error) {
	seeker, ok := u.Body.(io.Seeker)
	if !ok {
		return u.Body, -1, nil
	}
	if !u.known {
		start, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil {
			return u.Body, -1, nil // such as a pipe, which is an *os.File
		}
		u.start, u.known = start, true
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = seeker.Seek(u.start, io.SeekStart)
	}
	return u.Body, end - u.start, err
}

// gate is a body that ends when it is closed, also while another goroutine reads it.
type gate struct {
	mu     sync.Mutex
	from   io.Reader
	closed bool
}

func (g *gate) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, errors.New("the request has ended")
	}
	return g.from.Read(p)
}

func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return nil
}

// counted is a reader that says how much of it is read.
type counted struct {
	io.Reader
	sent, total int64
	progress    func(sent, total int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 {
		c.sent += int64(n)
		c.progress(c.sent, c.total)
	}
	return n, err
}

// Download is bytes from the server. The caller closes Body.
type Download struct {
	Name string // that the server gives the file; may be empty
	Type string // media type
	Size int64  // -1: unknown
	Body io.ReadCloser
}

func newDownload(resp *http.Response) *Download {
	d := &Download{Type: resp.Header.Get("Content-Type"), Size: resp.ContentLength, Body: resp.Body}
	if _, attributes, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		d.Name = attributes["filename"]
	}
	return d
}

// content is a download in an answer over a connection.
type content struct {
	Content *struct {
		Name   string `json:"name"`
		Type   string `json:"type"`
		Base64 string `json:"base64"`
	} `json:"content"`
}

func (c *content) download() (*Download, error) {
	if c.Content == nil {
		return nil, errors.New("the answer has no content")
	}
	text, err := base64.StdEncoding.DecodeString(c.Content.Base64)
	return &Download{Name: c.Content.Name, Type: c.Content.Type, Size: int64(len(text)), Body: io.NopCloser(bytes.NewReader(text))}, err
}
