// Command uploads is a small app that keeps photos in the folder data/photos.
package main

import (
	"log"

	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/uploads/photos"
)

func main() {
	store, err := photos.Open("data/photos")
	if err != nil {
		log.Fatal(err)
	}
	cli.Main(builtin.All, store.Parts())
}
