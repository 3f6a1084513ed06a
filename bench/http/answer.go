package main

import (
	"math/rand/v2"
	"time"
)

// answer is the answer of every server: the same JSON as the product's action randomNumber.
type answer struct {
	RandomNumber float64   `json:"randomNumber"`
	Server       server    `json:"serverInformation"`
	Requestor    requestor `json:"requestorInformation"`
	Error        string    `json:"error"`
}

type server struct {
	Name     string `json:"serverName"`
	Version  string `json:"apiVersion"`
	Duration int64  `json:"requestDuration"`
	Time     int64  `json:"currentTime"`
}

type requestor struct {
	Address string `json:"remoteAddress"`
	Params  params `json:"recievedParams"`
}

type params struct {
	Limit  int    `json:"limit"`
	Offset int    `json:"offset"`
	Action string `json:"action"`
}

func newAnswer(begun time.Time, address string, limit, offset int) answer {
	now := time.Now()
	return answer{
		rand.Float64(), server{"actionHero API", "0.1.0", now.Sub(begun).Milliseconds(), now.UnixMilli()},
		requestor{address, params{limit, offset, "randomNumber"}}, "OK",
	}
}
