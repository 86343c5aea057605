namespace Atelier.Generation;

/// <summary>
/// Refuses unsupported options of a request by name. No option that would change the result is ignored silently: every
/// client lists the options of its interface that it does not support.
/// </summary>
public static class RefusedOptions
{
    /// <summary>Throws if any of these unsupported options is set.</summary>
    /// <param name="options">The name of each option, whether it is set, and why it is not supported.</param>
    /// <exception cref="AtelierException">An option is set; the error names it.</exception>
    public static void Check(params ReadOnlySpan<(string Name, bool IsAsked, string Why)> options)
    {
        foreach ((string name, bool isAsked, string why) in options)
        {
            if (isAsked)
                throw new AtelierException(why, name, "leave it out");
        }
    }
}
