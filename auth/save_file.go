package auth

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// tempStart is the beginning of the name of a file that saveFile has not completed.
const tempStart = "new-"

// saveFile stores a file whole and durably, in place of an older one with the name. Its time of change is at.
func saveFile(name string, text []byte, at time.Time) error {
	folder := filepath.Dir(name)
	temp, err := os.CreateTemp(folder, tempStart+"*")
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
	return syncFolder(folder)
}

// syncFolder makes the names of the files in the folder durable.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder cannot be flushed there
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
