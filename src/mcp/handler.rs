//! What an assistant sees: which tools there are, and what comes of calling one.
//!
//! May depend on `rmcp` and its neighbours.

use axum::http::request::Parts;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
    },
    service::RequestContext,
};
use serde_json::Value;

use super::{
    Api,
    tools::{self, Said},
};

/// What an assistant is told of the server.
const INSTRUCTIONS: &str = "Footnote answers from an organisation's own documents. `ask` gives an answer with footnotes \
    that quote the source, or says that the documents do not hold it: then do not answer from elsewhere as if they did. \
    `search` gives the passages alone, `get_document` the text around one, `ingest` takes a new document in.";

/// The tools.
#[derive(Clone)]
pub(super) struct Tools {
    api: Api,
}

impl Tools {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("footnote", env!("CARGO_PKG_VERSION"));
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities).with_server_info(about).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let described = tools::ALL.iter().map(|tool| {
            let about = ToolAnnotations::with_title(tool.title).read_only(tool.reads_only).destructive(tool.replaces);
            let schema = match (tool.schema)() {
                Value::Object(schema) => schema,
                _ => serde_json::Map::new(),
            };
            Tool::new(tool.name, tool.description, schema).with_annotations(about.open_world(false))
        });
        Ok(ListToolsResult::with_all_items(described.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::ALL.iter().find(|tool| tool.name == request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool `{}`", request.name), None));
        };
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let from = context.extensions.get::<Parts>();
        // A caller that cancels, or goes, ends the work.
        let said = tokio::select! {
            said = tools::call(tool, &self.api, from, arguments) => said,
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
        };
        let result = match said {
            Ok(Said { text, structured }) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
                result.structured_content = Some(structured);
                result
            }
            // What an assistant can do something about, and so has to see.
            Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
        };
        Ok(result.into())
    }
}
