package main

import (
	"math/rand/v2"
	"strconv"
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

// append appends the JSON of a, as one writes it by hand.
func (a *answer) append(dst []byte) []byte {
	dst = append(dst, `{"randomNumber":`...)
	dst = strconv.AppendFloat(dst, a.RandomNumber, 'g', -1, 64)
	dst = append(dst, `,"serverInformation":{"serverName":"`...)
	dst = append(dst, a.Server.Name...)
	dst = append(dst, `","apiVersion":"`...)
	dst = append(dst, a.Server.Version...)
	dst = append(dst, `","requestDuration":`...)
	dst = strconv.AppendInt(dst, a.Server.Duration, 10)
	dst = append(dst, `,"currentTime":`...)
	dst = strconv.AppendInt(dst, a.Server.Time, 10)
	dst = append(dst, `},"requestorInformation":{"remoteAddress":"`...)
	dst = append(dst, a.Requestor.Address...)
	dst = append(dst, `","recievedParams":{"limit":`...)
	dst = strconv.AppendInt(dst, int64(a.Requestor.Params.Limit), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, int64(a.Requestor.Params.Offset), 10)
	dst = append(dst, `,"action":"`...)
	dst = append(dst, a.Requestor.Params.Action...)
	dst = append(dst, `"}},"error":"`...)
	dst = append(dst, a.Error...)
	return append(dst, `"}`...)
}

func newAnswer(begun time.Time, address string, limit, offset int) answer {
	now := time.Now()
	return answer{
		rand.Float64(), server{"actionHero API", "0.1.0", now.Sub(begun).Milliseconds(), now.UnixMilli()},
		requestor{address, params{limit, offset, "randomNumber"}}, "OK",
	}
}
