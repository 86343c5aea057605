namespace Atelier.Server;

/// <summary>
/// The program that a <see cref="ModelServer"/> starts for a training: the tool `atelier`, or a program that takes the
/// same arguments, "train RECIPE --out FOLDER" and "train --resume --out FOLDER". Each training is a process of its
/// own, which goes on when the server ends.
/// </summary>
/// <param name="Program">The path or the name of the program.</param>
/// <param name="Arguments">What its arguments begin with, such as the path of atelier.dll for `dotnet`.</param>
public sealed record TrainingCommand(string Program, params IReadOnlyList<string> Arguments)
{
    /// <summary>Variables that its environment has beyond those of the server; null takes one away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } =
        new Dictionary<string, string?>();
}
