// Package savefile stores small files whole and durably.
package savefile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// TempStart is the beginning of the name of a file that Save has not completed.
const TempStart = "new-"

// Save stores a file whole and durably, in place of an older one with the name. Its time of change is at.
func Save(name string, text []byte, at time.Time) error {
	folder := filepath.Dir(name)
	temp, err := os.CreateTemp(folder, TempStart+"*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Chtimes(temp.Name(), at, at)
	}
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return err
	}
	return SyncFolder(folder)
}

// SyncFolder makes the names of the files in the folder durable.
func SyncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be flushed there
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
