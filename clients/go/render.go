package threed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	threedv1 "github.com/threed-dev/threed/clients/go/threed/v1"
)

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 8 * time.Second
	// How long a server may be away before a watch gives up.
	patience = 2 * time.Minute
)

// FollowRender watches a job and returns it once it is COMPLETED, FAILED or CANCELLED; each gets every change, the
// present first.
//
// A stream that breaks is opened again from the last message that came, so no status is missed and none comes twice.
// The request says which job, and whether previews are wanted. An error is that of each, of ctx, of a refusal, or the
// last break when nothing came through for two minutes.
func (c *Client) FollowRender(
	ctx context.Context, request *threedv1.WatchRenderJobRequest, each func(*threedv1.WatchRenderJobResponse) error,
) (*threedv1.RenderJob, error) {
	request = proto.Clone(request).(*threedv1.WatchRenderJobRequest)
	pause, since, seen := firstPause, time.Now(), int64(-1)
	for {
		job, err := c.follow(ctx, request, func(change *threedv1.WatchRenderJobResponse) error {
			pause, since, request.ResumeToken = firstPause, time.Now(), change.GetResumeToken()
			if change.GetSequence() <= seen && !final(change.GetRenderJob()) {
				return nil
			}
			seen = change.GetSequence()
			return each(change)
		})
		if job != nil || !passes(err) || time.Since(since) > patience {
			return job, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// follow reads one stream: the job when it came to its end, else why the stream ended.
func (c *Client) follow(
	ctx context.Context, request *threedv1.WatchRenderJobRequest, each func(*threedv1.WatchRenderJobResponse) error,
) (*threedv1.RenderJob, error) {
	// Ends the stream where this function ends early.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := c.Renders.WatchRenderJob(ctx, request)
	if err != nil {
		return nil, err
	}
	for {
		change, err := changes.Recv()
		if err != nil {
			return nil, err
		}
		if err := each(change); err != nil {
			return nil, fmt.Errorf("threed: %w", err)
		}
		if final(change.GetRenderJob()) {
			return change.GetRenderJob(), nil
		}
	}
}

func final(job *threedv1.RenderJob) bool {
	switch job.GetStatus() {
	case threedv1.RenderJob_COMPLETED, threedv1.RenderJob_FAILED, threedv1.RenderJob_CANCELLED:
		return true
	}
	return false
}

// passes tells whether another try may help: the stream was cut, or the server has too much to do.
func passes(err error) bool {
	if errors.Is(err, io.EOF) || Reason(err) == "TOO_MANY_WATCHERS" {
		return true
	}
	return status.Code(err) == codes.Unavailable
}
