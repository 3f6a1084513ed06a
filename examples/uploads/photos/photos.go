// Package photos keeps uploaded photos in a folder and sends them. Begin with [Open].
package photos

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/actionhero-go/actionhero"
)

// maxBytes is the size up to which a photo is kept. commonWeb.maxBodyBytes bounds the whole request.
const maxBytes = 5 << 20

// extensions are the media types that are kept. The bytes decide, not the name nor the type that the client claims.
var extensions = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}

// Photos is a folder of photos. It must be outside general.flatFileDirectory if photos need a permission.
type Photos struct{ dir *os.Root }

// Open opens a folder and makes it if it is missing.
func Open(folder string) (*Photos, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(folder)
	return &Photos{dir}, err
}

// Close closes the folder.
func (p *Photos) Close() error { return p.dir.Close() }

// Parts returns the actions `photos:add` and `photos:show`, as parts for cli.Main.
func (p *Photos) Parts() actionhero.Parts {
	return actionhero.Parts{
		actionhero.Action[AddInput, AddOutput]{
			Name: "photos:add", Description: "Keeps a photo", Route: "POST /photos", Run: p.add,
		},
		actionhero.Action[ShowInput, *actionhero.Content]{
			Name: "photos:show", Description: "Sends a photo", Route: "GET /photos/{name}", Kind: actionhero.KindRead, Run: p.show,
		},
	}
}

// AddInput is the input of the action `photos:add`.
type AddInput struct {
	Photo *actionhero.File `json:"photo" required:"true" doc:"a JPEG, PNG or WebP of at most 5 MiB"`
}

// AddOutput is the output of the action `photos:add`.
type AddOutput struct {
	Name string `json:"name"`
}

func (p *Photos) add(_ context.Context, in AddInput) (AddOutput, error) {
	if in.Photo.Size > maxBytes {
		return AddOutput{}, actionhero.Errorf(actionhero.CodeInvalidInput, "photo must have at most 5 MiB")
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(in.Photo, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return AddOutput{}, err
	}
	extension := extensions[http.DetectContentType(head[:n])]
	if extension == "" {
		return AddOutput{}, actionhero.Errorf(actionhero.CodeInvalidInput, "photo must be a JPEG, a PNG or a WebP")
	}
	if _, err := in.Photo.Seek(0, io.SeekStart); err != nil {
		return AddOutput{}, err
	}
	name := rand.Text() + extension // a name of our own: the name of the client may be in use, or lead elsewhere
	return AddOutput{name}, p.write(name, in.Photo)
}

// write writes a file under a name that is there only when the file is complete.
func (p *Photos) write(name string, from io.Reader) (err error) {
	partial := name + ".partial"
	file, err := p.dir.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = p.dir.Rename(partial, name)
	}
	if err != nil {
		err = errors.Join(err, p.dir.Remove(partial))
	}
	return err
}

// ShowInput is the input of the action `photos:show`.
type ShowInput struct {
	Name string `json:"name" required:"true" pattern:"^[A-Z2-7]{26}\\.(jpg|png|webp)$" doc:"the name that photos:add has returned"`
}

func (p *Photos) show(_ context.Context, in ShowInput) (*actionhero.Content, error) {
	file, err := p.dir.Open(in.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, actionhero.Errorf(actionhero.CodeNotFound, "there is no photo %s", in.Name)
	}
	if err != nil {
		return nil, err
	}
	return &actionhero.Content{Body: file, Name: in.Name}, nil // the server closes the file
}
