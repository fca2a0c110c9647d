"""Clips: sent, asked for, fetched, deleted."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from idennet.serve.clips import Clips
from idennet.serve.limits import Limits
from idennet.serve.routes.described import FILE, REFUSED, Name, answer, refusal
from idennet.serve.uploads import checked_name

_NO_CLIP: dict[int | str, dict[str, Any]] = {
    404: refusal("There is no such clip; it was deleted, or its time is up.")
}

_CLIP = {
    "id": "ZJ0l8nXkq2c7Vd1f",
    "name": "interview.mp4",
    "state": "reading",
    "frames": 250,
    "progress": 0.4167,
    "problem": None,
    "outputs": [],
}


def add_clips(app: FastAPI, limits: Limits) -> None:
    """Let clips be sent, and what was read of them be fetched."""

    @app.post(
        "/v1/clips",
        tags=["clips"],
        summary="Send a clip",
        status_code=202,
        openapi_extra=FILE,
        responses={202: answer("It waits, or is being read.", _CLIP), **REFUSED},
    )
    async def send_clip(request: Request, name: Name = "clip") -> JSONResponse:
        """A clip is read when it is its turn; ask for its state at the address in `Location`."""
        clips: Clips = app.state.clips
        clip = clips.admit(checked_name(name))
        try:
            await app.state.uploads.receive_file(request, clip.file, limits.clip_bytes)
        except BaseException:
            await clips.forget(clip)
            raise
        clips.begin(clip)
        return JSONResponse(clip.to_dict(), 202, {"Location": f"/v1/clips/{clip.id}"})

    @app.get(
        "/v1/clips/{identity}",
        tags=["clips"],
        summary="How far a clip is",
        responses={200: answer("How far it is.", _CLIP), **_NO_CLIP},
    )
    async def clip_state(identity: str) -> JSONResponse:
        """`state` is waiting, reading or done; `problem` says why reading ended early."""
        return JSONResponse(app.state.clips.find(identity).to_dict())

    @app.delete(
        "/v1/clips/{identity}",
        tags=["clips"],
        summary="Cancel or delete a clip",
        status_code=204,
        response_description="It is gone; the answer is empty.",
        responses=_NO_CLIP,
    )
    async def delete_clip(identity: str) -> Response:
        """Reading stops, and nothing of the clip is left, unless the server keeps results in a folder."""
        await app.state.clips.forget(app.state.clips.find(identity))
        return Response(status_code=204)

    @app.get(
        "/v1/clips/{identity}/{output}",
        tags=["clips"],
        summary="A result of a clip",
        response_class=FileResponse,
        responses={
            200: answer("The file; of aus.csv for example", "file,frame,time,face,track,...", "text/csv"),
            **_NO_CLIP,
            409: refusal("interview.mp4 is not read yet; ask again when its state is done."),
        },
    )
    async def clip_output(identity: str, output: str) -> FileResponse:
        """One of the files that its state lists as `outputs`; docs/outputs.md explains them."""
        clips: Clips = app.state.clips
        return FileResponse(
            await clips.output(identity, output), filename=f"{clips.find(identity).name}.{output}"
        )
