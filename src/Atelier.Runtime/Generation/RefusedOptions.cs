namespace Atelier.Generation;

/// <summary>
/// Refuses the options of a request that cannot be followed, by name. No option that would change the result is ignored
/// silently: every client lists the options of its interface that it does not follow.
/// </summary>
public static class RefusedOptions
{
    /// <summary>Throws if any of some options is set.</summary>
    /// <param name="options">Each option's name, whether it is set, and the reason for which it is refused.</param>
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
