package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/savefile"
)

// KeysInFolder makes a store in a folder of this machine, for [KeyConfig.Store]. It makes the folder, which only the user
// of the server can read. Each key is a file, whose time of modification is the last use of the key. Several nodes may use
// the folder at the same time. A change is on the disk when the method returns.
func KeysInFolder(folder string) func(*actionhero.API) (KeyStore, error) {
	return func(*actionhero.API) (KeyStore, error) {
		if folder == "" {
			return nil, errors.New("auth.KeysInFolder was called without a folder")
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("the folder of the API keys cannot be made: %w", err)
		}
		return folderKeys(folder), nil
	}
}

// folderKeys is the path of the folder.
type folderKeys string

const keyFileEnd = ".json"

// file returns the name of the file of a key. Callers have checked the form of the id.
func (s folderKeys) file(id string) string { return filepath.Join(string(s), id+keyFileEnd) }

func (s folderKeys) Add(_ context.Context, k StoredKey) error {
	name := s.file(k.ID)
	if _, err := os.Lstat(name); err == nil {
		return errKeyExists
	}
	text, err := jsonx.Marshal(k)
	if err != nil {
		return err
	}
	return savefile.Save(name, text, k.CreatedAt)
}

func (s folderKeys) Find(_ context.Context, id string) (StoredKey, error) {
	name := s.file(id)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return StoredKey{}, errNoKey
	}
	if err != nil {
		return StoredKey{}, err
	}
	var k StoredKey
	err = jsonx.Unmarshal(text, &k)
	if err == nil && k.ID != id {
		err = fmt.Errorf("its id is %q", k.ID)
	}
	if err != nil {
		return StoredKey{}, fmt.Errorf("the file %s is no API key, so restore or remove it: %w", name, err)
	}
	return k, nil
}

func (s folderKeys) List(ctx context.Context, owner string) ([]StoredKey, error) {
	entries, err := os.ReadDir(string(s))
	if err != nil {
		return nil, err
	}
	var list []StoredKey
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), keyFileEnd)
		if !ok {
			continue
		}
		k, err := s.Find(ctx, id)
		if isNotFound(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		if owner != "" && k.Owner != owner {
			continue
		}
		if info, err := entry.Info(); err == nil && info.ModTime().Sub(k.CreatedAt) > time.Second {
			k.LastUsedAt = info.ModTime()
		}
		list = append(list, k)
	}
	return list, nil
}

func (s folderKeys) Remove(_ context.Context, id string) error {
	err := os.Remove(s.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoKey
	}
	return errors.Join(err, savefile.SyncFolder(string(s)))
}

func (s folderKeys) Used(_ context.Context, id string, at time.Time) error {
	err := os.Chtimes(s.file(id), at, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
