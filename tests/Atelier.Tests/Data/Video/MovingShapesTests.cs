using Atelier.Data.Images;
using Atelier.Data.Video;

namespace Atelier.Tests.Data.Video;

public sealed class MovingShapesTests
{
    private const int Frames = 16;
    private static readonly int Size = ShapesWorld.Schema.Size;

    [Fact]
    public void At_least_99_of_100_videos_of_the_world_are_read_back_as_they_were_drawn()
    {
        const int count = 300;
        int right = 0, bounces = 0;
        for (int number = 0; number < count; number++)
        {
            MovingShape drawn = MovingShapes.Draw(5, number);
            ReadShape read = MovingShapesReader.Read(MovingShapes.Render(drawn, Frames));
            bool isNear = IsNear(read.X, drawn.X) && IsNear(read.Y, drawn.Y) && Math.Abs(read.Half - drawn.Half) < 0.8;
            right += read.IsRight(drawn.Label) && isNear ? 1 : 0;
            bounces += read.BounceCount > 0 ? 1 : 0;
        }
        right.ShouldBeGreaterThanOrEqualTo((int)(0.99 * count));
        bounces.ShouldBeGreaterThan(count / 2);

        // A path that begins at a wall is the same whichever way it is said to move first.
        static bool IsNear(ShapePath read, ShapePath drawn) =>
            Math.Abs(Math.Abs(read.Velocity) - Math.Abs(drawn.Velocity)) < 0.3
            && Enumerable.Range(0, Frames).All(frame => Math.Abs(read.At(frame) - drawn.At(frame)) < 1);
    }

    [Fact]
    public void A_path_is_what_a_ball_does_that_is_moved_in_small_steps_and_turned_at_the_walls()
    {
        var path = new ShapePath(7.3, -2.6, 5, 27);
        double at = 7.3, velocity = -2.6;
        int bounces = 0;
        const int steps = 10_000;
        for (int frame = 0; frame < 40; frame++)
        {
            path.At(frame).ShouldBe(at, 2e-3);
            path.Bounces(frame).ShouldBe(bounces);
            for (int step = 0; step < steps; step++)
            {
                at += velocity / steps;
                if (at < 5 || at > 27)
                    (velocity, at, bounces) = (-velocity, Math.Clamp(at, 5, 27), bounces + 1);
            }
        }
    }

    [Fact]
    public void Videos_that_break_a_rule_of_the_world_are_read_as_wrong_for_that_rule()
    {
        MovingShape shape = new(4, 5, new(10, 1.5, 5, 27), new(12, 0.8, 5, 27)); // a green square
        byte[] clip = MovingShapes.Render(shape, Frames);
        MovingShapesReader.Read(clip).IsRight(4).ShouldBeTrue();
        MovingShapesReader.Read(clip).IsRight(3).ShouldBeFalse();

        Changed(9, shape with { Label = 5 }).KeepsColour.ShouldBeFalse();
        Changed(9, shape with { Label = 1 }).KeepsForm.ShouldBeFalse();
        Changed(9, shape with { Half = 8 }).Persists.ShouldBeFalse();
        ReadShape turned = MovingShapesReader.Read([.. clip[..(8 * Size)], .. Enumerable.Range(0, 8)
            .SelectMany(i => clip[((7 - i) * Size)..((8 - i) * Size)])]); // back before it reaches a wall
        (turned.Persists, turned.KeepsColour, turned.KeepsForm).ShouldBe((true, true, true));
        turned.KeepsVelocity.ShouldBeFalse();
        byte[] still = [.. Enumerable.Repeat(clip[..Size], Frames).SelectMany(frame => frame)];
        MovingShapesReader.Read(still).KeepsVelocity.ShouldBeFalse();
        byte[] gone = [.. clip];
        gone.AsSpan(5 * Size, Size).Fill(255);
        MovingShapesReader.Read(gone).IsRight().ShouldBeFalse();
        byte[] white = new byte[clip.Length];
        white.AsSpan().Fill(255);
        (MovingShapesReader.Read(white).IsRight(), MovingShapesReader.Read(new byte[clip.Length]).IsRight())
            .ShouldBe((false, false));

        ReadShape Changed(int frame, MovingShape other)
        {
            byte[] changed = [.. clip];
            MovingShapes.Render(other, Frames).AsSpan(frame * Size, Size).CopyTo(changed.AsSpan(frame * Size));
            return MovingShapesReader.Read(changed);
        }
    }
}
