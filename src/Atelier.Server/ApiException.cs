namespace Atelier.Server;

/// <summary>An error that a request is answered with, in OpenAI's form.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="param">The field with the error; null for none.</param>
/// <param name="code">A word for programs, such as "model_not_found"; null for none.</param>
internal sealed class ApiException(int status, string message, string? param = null, string? code = null)
    : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>The field with the error; null for none.</summary>
    public string? Param => param;

    /// <summary>A word for programs; null for none.</summary>
    public string? Code => code;

    /// <summary>A field of a request is missing or has a value that is not possible.</summary>
    public static ApiException Invalid(string param, string message, string? code = null) =>
        new(StatusCodes.Status400BadRequest, message, param, code);

    /// <summary>The request names a model that the server does not have.</summary>
    public static ApiException NoModel(string name) => new(StatusCodes.Status404NotFound,
        $"the model '{name}' does not exist; GET /v1/models lists those that do", "model", "model_not_found");
}
