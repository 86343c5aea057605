namespace Atelier.Generation.Chat;

/// <summary>What a conversation has besides its messages; only templates of models take it.</summary>
/// <param name="Tools">The descriptions of the tools that the model may call, as a template's values; null for
/// none.</param>
/// <param name="Thinks">Whether the model is to reason before it answers; null leaves that to the template.</param>
/// <param name="Effort">How much the model is to reason: low, medium or high; null leaves that to the
/// template.</param>
internal sealed record ChatSettings(IReadOnlyList<object?>? Tools = null, bool? Thinks = null, string? Effort = null);

/// <summary>A call of a tool in an answer.</summary>
/// <param name="Id">The identifier that the result repeats.</param>
/// <param name="Name">The name of the tool.</param>
/// <param name="Arguments">The arguments, as a template's values.</param>
internal sealed record ToolCall(string Id, string Name, object? Arguments);

/// <summary>A conversation as the model reads it.</summary>
/// <param name="Ids">The tokens.</param>
/// <param name="OpensReasoning">Whether it ends within a reasoning part, so that the answer begins with one.</param>
internal sealed record ChatPrompt(int[] Ids, bool OpensReasoning);
