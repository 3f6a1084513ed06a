package support

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

const maxFile = 5 << 20

func (d *desk) fileParts() actionhero.Parts {
	return actionhero.Parts{
		actionhero.Action[UploadInput, File]{
			Name: "fileAdd", Description: "Attaches a file to a ticket", Route: "POST /tickets/{id}/files", Access: mayWrite,
			Transports: []string{actionhero.TransportWeb}, MaxBody: maxFile + 64<<10, Run: d.addFile,
		},
		actionhero.Action[FileID, *actionhero.Content]{
			Name: "fileShow", Description: "Sends an attachment", Route: "GET /files/{id}", Kind: actionhero.KindRead, Access: mayRead, Run: d.sendFile,
		},
	}
}

// File is an attachment of a ticket.
type File struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// UploadInput is the input of the action `fileAdd`.
type UploadInput struct {
	ID   int64            `json:"id" required:"true" doc:"the ticket"`
	File *actionhero.File `json:"file" required:"true" doc:"at most 5 MiB"`
}

// addFile keeps the bytes under a random name first, and then the row with the name for people. Without a row, a file
// belongs to no ticket.
func (d *desk) addFile(ctx context.Context, in UploadInput) (f File, err error) {
	who := actionhero.IdentityFrom(ctx)
	if _, err := find(ctx, d.db.Get(), who, in.ID); err != nil {
		return f, err
	}
	if in.File.Size > maxFile || in.File.Name == "" || len(in.File.Name) > 200 {
		return f, actionhero.Errorf(actionhero.CodeInvalidInput, "file must have a name of up to 200 bytes and at most 5 MiB")
	}
	f = File{ID: rand.Text(), Name: in.File.Name, Size: in.File.Size}
	if err := d.keep(f.ID, in.File); err != nil {
		return f, err
	}
	err = d.change(ctx, func(tx *sql.Tx) error {
		if _, err := find(ctx, tx, who, in.ID); err != nil { // the caller may have been removed meanwhile
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO files (id, ticket, name, size) VALUES (?, ?, ?, ?)`, f.ID, in.ID, f.Name, f.Size)
		return err
	})
	if err != nil {
		return f, errors.Join(err, d.files.Get().Remove(f.ID))
	}
	web.SetStatus(ctx, http.StatusCreated)
	announce(ctx, d, Attached, roomOf(in.ID), f)
	return f, nil
}

func (d *desk) keep(name string, from io.Reader) error {
	file, err := d.files.Get().OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, d.files.Get().Remove(name))
	}
	return nil
}

// FileID is the input of the action `fileShow`.
type FileID struct {
	ID string `json:"id" required:"true" pattern:"^[A-Z2-7]{26}$"`
}

// sendFile sends an attachment as a download, so that a page among the attachments does not run as one of this site.
func (d *desk) sendFile(ctx context.Context, in FileID) (content *actionhero.Content, err error) {
	var ticket int64
	content = &actionhero.Content{Download: true}
	err = d.read(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT ticket, name FROM files WHERE id = ?`, in.ID).Scan(&ticket, &content.Name); err != nil {
			return err
		}
		_, err := find(ctx, tx, actionhero.IdentityFrom(ctx), ticket)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) || err != nil && actionhero.AsError(err).Code == actionhero.CodeNotFound {
		return nil, actionhero.Errorf(actionhero.CodeNotFound, "there is no such file for you")
	}
	if err != nil {
		return nil, err
	}
	content.Body, err = d.files.Get().Open(in.ID)
	return content, err // the server closes the file
}
