package server

import (
	"embed"
	"io/fs"
)

//go:embed public
var public embed.FS

// startPage is what a server without a folder of static files serves.
func startPage() fs.FS {
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return files
}
