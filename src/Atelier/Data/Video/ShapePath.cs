namespace Atelier.Data.Video;

/// <summary>The path of a shape along one axis: constant speed, and elastic bounces at two walls.</summary>
/// <param name="Start">The centre at frame 0, in pixels.</param>
/// <param name="Velocity">Pixels per frame before the first bounce; positive to the right or down.</param>
/// <param name="Low">The centre at which it bounces at the left or upper wall.</param>
/// <param name="High">The centre at which it bounces at the right or lower wall.</param>
public readonly record struct ShapePath(double Start, double Velocity, double Low, double High)
{
    /// <summary>Returns the centre at a time: a triangular wave between the walls.</summary>
    /// <param name="frame">The time in frames.</param>
    public double At(double frame)
    {
        double span = High - Low, travelled = (Start + (Velocity * frame) - Low) % (2 * span);
        if (travelled < 0)
            travelled += 2 * span;
        return Low + (travelled <= span ? travelled : (2 * span) - travelled);
    }

    /// <summary>Returns the number of bounces up to a time.</summary>
    /// <param name="frame">The time in frames.</param>
    public int Bounces(double frame) =>
        (int)Math.Abs(Math.Floor((Start + (Velocity * frame) - Low) / (High - Low)));
}
