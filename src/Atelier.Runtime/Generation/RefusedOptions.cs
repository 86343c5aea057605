namespace Atelier.Generation;

/// <summary>
/// Refuses by name what a request asks for and cannot have. Nothing that would change an answer is passed over in
/// silence: every client lists the options of its interface that it does not follow.
/// </summary>
public static class RefusedOptions
{
    /// <summary>Comes back if none of some options is asked for.</summary>
    /// <param name="options">Each option's name, whether it is asked for, and why it cannot be had.</param>
    /// <exception cref="AtelierException">One is: the error names it.</exception>
    public static void Check(params ReadOnlySpan<(string Name, bool IsAsked, string Why)> options)
    {
        foreach ((string name, bool isAsked, string why) in options)
        {
            if (isAsked)
                throw new AtelierException(why, name, "leave it out");
        }
    }
}
